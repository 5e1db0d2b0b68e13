package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"unicode"
)

// A transaction moves an amount from one account to another.
type transaction struct {
	ID        string  `json:"id"` // the sender's own; one id is one transaction, for ever
	From      account `json:"from"`
	To        account `json:"to"`
	Amount    int64   `json:"amount"` // in minor units: 1250 for 12.50 EUR
	Currency  string  `json:"currency"`
	Reference string  `json:"reference,omitempty"`
}

// The bounds of a transaction.
const (
	maxID        = 64
	maxReference = 140
	maxAmount    = 100_000_000 // in minor units; what is more goes another way
)

func (t transaction) money() money { return money{t.Amount, t.Currency} }

// key is the transaction's idempotency key. It is made from the id, not drawn
// at random and kept: who restores yesterday's database and is sent today's
// transactions again sends them under the keys that the gateway knows.
func (t transaction) key() string {
	sum := sha256.Sum256([]byte("payments\x00" + t.ID))
	return "pay_" + hex.EncodeToString(sum[:16])
}

// payload is what is sent and kept, the same bytes each time: to the gateway,
// another payload under the same key is an error. Here accounts are whole.
func (t transaction) payload() []byte {
	text, err := json.Marshal(struct {
		ID        string `json:"id"`
		From      string `json:"from"`
		To        string `json:"to"`
		Amount    int64  `json:"amount"`
		Currency  string `json:"currency"`
		Reference string `json:"reference,omitempty"`
	}{t.ID, string(t.From), string(t.To), t.Amount, t.Currency, t.Reference})
	if err != nil {
		panic(err) // strings and a number
	}
	return text
}

// A fault is what is wrong with one field.
type fault struct {
	Field   string `json:"field"`
	Problem string `json:"problem"`
}

// faults is all that is wrong with a transaction, as an error. It does not
// repeat what was sent, which may be an account number in the wrong place.
type faults []fault

func (f faults) Error() string {
	all := make([]string, len(f))
	for i, one := range f {
		all[i] = strings.TrimSpace(one.Field + " " + one.Problem)
	}
	return strings.Join(all, "; ")
}

// validate returns all that is wrong with a transaction.
func (t transaction) validate() faults {
	var all faults
	wrong := func(field, problem string) {
		if problem != "" {
			all = append(all, fault{field, problem})
		}
	}
	wrong("id", checkID(t.ID))
	wrong("from", t.From.check())
	wrong("to", t.To.check())
	if t.To != "" && t.To == t.From {
		wrong("to", "must not be the account that pays")
	}
	if t.Amount < 1 || t.Amount > maxAmount {
		wrong("amount", fmt.Sprintf("must be from 1 to %d minor units", maxAmount))
	}
	if _, ok := digits[t.Currency]; !ok {
		wrong("currency", "must be one of "+currencies())
	}
	wrong("reference", checkText(t.Reference, maxReference))
	return all
}

func checkID(id string) string {
	switch {
	case id == "":
		return "is missing"
	case len(id) > maxID || strings.Trim(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.") != "":
		return fmt.Sprintf("must be up to %d letters, digits, '-', '_' and '.'", maxID)
	}
	return ""
}

// checkText keeps out what a log or a terminal would take for more than text.
func checkText(s string, most int) string {
	if len(s) > most || strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return fmt.Sprintf("must be up to %d bytes of text on one line", most)
	}
	return ""
}
