package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// maxTransaction is how many bytes of JSON a transaction may have.
const maxTransaction = 16 << 10

// decode reads one transaction and returns all that is wrong with it.
//
// json.Unmarshal would stop at the first fault, take "AMOUNT" for "amount", and
// of two amounts take the latter without a word.
func decode(text []byte) (transaction, error) {
	var t transaction
	fields := map[string]struct {
		into any
		must string
	}{
		"id":        {&t.ID, "must be text"},
		"from":      {&t.From, "must be text"},
		"to":        {&t.To, "must be text"},
		"amount":    {&t.Amount, "must be a whole number of minor units, without quotes"},
		"currency":  {&t.Currency, "must be text"},
		"reference": {&t.Reference, "must be text"},
	}
	var all faults
	seen := make(map[string]bool)
	err := members(text, func(name string, value json.RawMessage) {
		field, known := fields[name]
		switch {
		case !known:
			all = append(all, fault{nameOf(name), "is no field of a transaction"})
		case seen[name]:
			all = append(all, fault{name, "is there more than once"})
		case json.Unmarshal(value, field.into) != nil:
			all = append(all, fault{name, field.must})
		}
		seen[name] = true
	})
	if err != nil {
		return t, err
	}
	mistyped := make(map[string]bool)
	for _, one := range all {
		mistyped[one.Field] = true
	}
	for _, one := range t.validate() {
		if !mistyped[one.Field] { // it has been said what is wrong with it
			all = append(all, one)
		}
	}
	if len(all) > 0 {
		return t, all
	}
	return t, nil
}

// nameOf repeats the name of an unknown field if it looks like one. It may be
// anything, an account number for one.
func nameOf(field string) string {
	if len(field) > 32 || strings.Trim(field, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_") != "" {
		return "a name with more than letters in it"
	}
	return strconv.Quote(field)
}

// errNoObject is what a text is that is not one JSON object.
var errNoObject = faults{{"", "a transaction must be one JSON object"}}

// members calls each with the members of the one object that text is.
func members(text []byte, each func(name string, value json.RawMessage)) error {
	d := json.NewDecoder(bytes.NewReader(text))
	if open, err := d.Token(); err != nil || open != json.Delim('{') {
		return errNoObject
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return errNoObject
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return errNoObject
		}
		each(fmt.Sprint(name), value)
	}
	if _, err := d.Token(); err != nil {
		return errNoObject
	}
	if _, err := d.Token(); err != io.EOF {
		return errNoObject
	}
	return nil
}

// maxLines is how many transactions a file may have.
const maxLines = 100_000

// decodeLines reads a file of transactions, one a line. It returns all of them
// or, if anything is wrong with any, what is wrong with which.
func decodeLines(r io.Reader) ([]transaction, error) {
	var (
		all   []transaction
		wrong []string
	)
	first := make(map[string]int) // the line of an id
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxTransaction)
	n := 0
	for lines.Scan() && n < maxLines {
		n++
		if len(bytes.TrimSpace(lines.Bytes())) == 0 {
			continue
		}
		t, err := decode(lines.Bytes())
		if err != nil {
			wrong = append(wrong, fmt.Sprintf("line %d: %v", n, err))
		}
		if before, ok := first[t.ID]; ok && t.ID != "" {
			wrong = append(wrong, fmt.Sprintf("line %d: id is that of line %d already", n, before))
		} else {
			first[t.ID] = n
		}
		all = append(all, t)
	}
	if err := lines.Err(); err != nil {
		wrong = append(wrong, fmt.Sprintf("line %d: %v", n+1, err))
	} else if n == maxLines && lines.Scan() {
		wrong = append(wrong, fmt.Sprintf("line %d: a file may have %d lines", n+1, maxLines))
	}
	if len(wrong) > 0 {
		return nil, fmt.Errorf("nothing was accepted:\n  %s", strings.Join(wrong, "\n  "))
	}
	return all, nil
}
