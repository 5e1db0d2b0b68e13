package main

import (
	"fmt"
	"io"
	"log/slog"
	"strings"
)

// An account is an IBAN. However it is printed, logged or marshaled, only its
// ends show: DE89…3000. It is whole in a string(a) alone, which is what a
// reviewer of the code has to look for.
type account string

func (a account) String() string {
	if len(a) < 15 {
		return "…"
	}
	return string(a[:4]) + "…" + string(a[len(a)-4:])
}

// Format is what package fmt prints, whatever the verb.
func (a account) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, a.String()) }

// MarshalText is what JSON has of it.
func (a account) MarshalText() ([]byte, error) { return []byte(a.String()), nil } //nolint:unparam // encoding.TextMarshaler has it

// LogValue is what package slog prints.
func (a account) LogValue() slog.Value { return slog.StringValue(a.String()) }

// check says what is wrong with an account, without repeating it.
func (a account) check() string {
	switch {
	case a == "":
		return "is missing"
	case len(a) < 15 || len(a) > 34 || strings.Trim(string(a), "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "":
		return "must be an IBAN: 15 to 34 capital letters and digits, without spaces"
	case a.mod97() != 1:
		return "is no IBAN: its check digits do not fit, so one character or more is wrong"
	}
	return ""
}

// mod97 is the check sum of ISO 7064: the first four characters go to the end,
// letters count from A = 10, and an account that was typed right leaves 1.
func (a account) mod97() int {
	sum := 0
	for _, c := range []byte(a[4:] + a[:4]) {
		if c >= 'A' {
			sum = (100*sum + int(c-'A') + 10) % 97
		} else {
			sum = (10*sum + int(c-'0')) % 97
		}
	}
	return sum
}
