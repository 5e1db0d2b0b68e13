package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"testing"
)

const (
	german  = account("DE89370400440532013000") // the examples of the IBAN registry
	british = account("GB29NWBK60161331926819")
)

func rent() transaction {
	return transaction{ID: "rent-11", From: german, To: british, Amount: 95_000, Currency: "EUR", Reference: "November"}
}

func TestEveryFaultIsNamedAtOnce(t *testing.T) {
	t.Parallel()
	const good = `"id":"a","from":"DE89370400440532013000","to":"GB29NWBK60161331926819","amount":1,"currency":"EUR"`
	for _, tt := range []struct {
		what string
		text string
		want []string // the fields, and a word of what is said of each
	}{
		{"a good one", `{` + good + `}`, nil},
		{"one with a reference", `{` + good + `,"reference":"Miete, November – ok"}`, nil},
		{"nothing at all", `{}`, []string{"id missing", "from missing", "to missing", "amount from 1", "currency one of"}},
		{"all of it wrong", `{"id":"a b","from":"DE1","to":"DE89370400440532013001","amount":0,"currency":"eur","reference":"a\nb"}`,
			[]string{"id letters", "from IBAN", "to check digits", "amount from 1", "currency CHF, EUR", "reference one line"}},
		{"unknown fields and a misspelt one", `{` + good + `,"Amount":5,"note":"x"}`, []string{`"Amount" no field`, `"note" no field`}},
		{"a field twice", `{` + good + `,"amount":100}`, []string{"amount more than once"}},
		{"wrong types", `{"id":7,"from":[],"to":{},"amount":"1","currency":null}`,
			[]string{"id text", "from text", "to text", "amount whole number", "currency one of"}},
		{"half a cent", `{"id":"a","from":"DE89370400440532013000","to":"GB29NWBK60161331926819","amount":1.5,"currency":"EUR"}`, []string{"amount whole number"}},
		{"an amount past 64 bits", `{"id":"a","from":"DE89370400440532013000","to":"GB29NWBK60161331926819","amount":99999999999999999999,"currency":"EUR"}`, []string{"amount whole number"}},
		{"an amount past the bound", `{"id":"a","from":"DE89370400440532013000","to":"GB29NWBK60161331926819","amount":100000001,"currency":"EUR"}`, []string{"amount from 1"}},
		{"to oneself", `{"id":"a","from":"DE89370400440532013000","to":"DE89370400440532013000","amount":1,"currency":"EUR"}`, []string{"to the account that pays"}},
		{"an account with spaces", `{"id":"a","from":"DE89 3704 0044 0532 0130 00","to":"GB29NWBK60161331926819","amount":1,"currency":"EUR"}`, []string{"from without spaces"}},
		{"two objects", `{` + good + `}{}`, []string{" one JSON object"}},
		{"an array", `[]`, []string{" one JSON object"}},
		{"half an object", `{"id":"a"`, []string{" one JSON object"}},
		{"no JSON", `id=a`, []string{" one JSON object"}},
	} {
		t.Run(tt.what, func(t *testing.T) {
			t.Parallel()
			_, err := decode([]byte(tt.text))
			got, _ := errors.AsType[faults](err)
			if len(got) != len(tt.want) {
				t.Fatalf("said %q; want %d faults", got, len(tt.want))
			}
			for i, want := range tt.want {
				field, word, _ := strings.Cut(want, " ")
				if got[i].Field != field || !strings.Contains(got[i].Problem, word) {
					t.Errorf("fault %d is %q; want %s: %s", i, got[i], field, word)
				}
			}
		})
	}
}

func TestAFileIsTakenWholeOrNotAtAll(t *testing.T) {
	t.Parallel()
	line := func(id string) string {
		one := rent()
		one.ID = id
		return string(one.payload()) + "\n"
	}
	if all, err := decodeLines(strings.NewReader(line("a") + "\n" + line("b"))); len(all) != 2 || err != nil {
		t.Errorf("two good lines and an empty one: %d, %v", len(all), err)
	}
	all, err := decodeLines(strings.NewReader(line("a") + "{}\n" + line("b") + line("a") + "x\n"))
	if all != nil || err == nil {
		t.Fatalf("took %v of a bad file, %v", all, err)
	}
	for _, want := range []string{"line 2: id is missing; from is missing;", "line 4: id is that of line 1", "line 5: a transaction must be one JSON object"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("said %q; want %q in it", err, want)
		}
	}
	if _, err := decodeLines(strings.NewReader(strings.Repeat("x", maxTransaction+1))); err == nil || !strings.Contains(err.Error(), "line 1: bufio.Scanner: token too long") {
		t.Errorf("a line without an end: %v", err)
	}
}

// The key is part of the contract with the gateway: another one for the same
// transaction is another charge.
func TestTheKeyIsTheSameForEver(t *testing.T) {
	t.Parallel()
	if got, want := rent().key(), "pay_83fa42a189ad9794a82a4019f65f085e"; got != want {
		t.Errorf("the key is %s; it was %s", got, want)
	}
	other := rent()
	other.ID = "rent-12"
	if other.key() == rent().key() {
		t.Error("two transactions have one key")
	}
}

func TestAnAccountIsWholeInThePayloadAlone(t *testing.T) {
	t.Parallel()
	one := rent()
	var log bytes.Buffer
	for _, h := range []slog.Handler{slog.NewTextHandler(&log, nil), slog.NewJSONHandler(&log, nil)} {
		slog.New(h).Info("line", "account", one.From, "transaction", one)
	}
	for _, verb := range []string{"%v", "%+v", "%s", "%q", "%x", "%#v", "%d"} {
		fmt.Fprintf(&log, verb+" "+verb+"\n", one.From, one)
	}
	if text := log.String(); strings.Contains(text, "370400440532013000") || !strings.Contains(text, "DE89…3000") {
		t.Errorf("printed %s", text)
	}
	if text, err := json.Marshal(one); strings.Contains(string(text), "370400440532013000") || err != nil {
		t.Errorf("JSON has %s, %v", text, err)
	}
	if text := string(one.payload()); !strings.Contains(text, `"from":"DE89370400440532013000"`) {
		t.Errorf("the payload is %s", text)
	}
	if got := account("DE893704").String(); got != "…" {
		t.Errorf("too short to hide anything: %s", got)
	}
}

// One wrong digit, or two neighbours that changed places, is what people type.
func TestATypingErrorIsNoAccount(t *testing.T) {
	t.Parallel()
	for _, one := range []account{german, british} {
		if problem := one.check(); problem != "" {
			t.Fatalf("%s %s", one, problem)
		}
		for i := range len(one) {
			wrong := []byte(one)
			wrong[i] = '0' + (wrong[i]-'0'+1)%10
			if account(wrong).check() == "" {
				t.Errorf("%s is an account", wrong)
			}
			if i == 0 || one[i] == one[i-1] {
				continue
			}
			wrong = []byte(one)
			wrong[i], wrong[i-1] = wrong[i-1], wrong[i]
			if account(wrong).check() == "" {
				t.Errorf("%s is an account", wrong)
			}
		}
	}
	dice := rand.New(rand.NewPCG(1, 1))
	for range 100 {
		if one := madeUp("NL", 14, dice); one.check() != "" {
			t.Errorf("%s, which is made up, %s", string(one), one.check())
		}
	}
}

func TestMoneyIsPrintedInItsOwnDigits(t *testing.T) {
	t.Parallel()
	for want, m := range map[string]money{
		"12.50 EUR": {1250, "EUR"}, "0.05 EUR": {5, "EUR"}, "1250 JPY": {1250, "JPY"}, "1.250 KWD": {1250, "KWD"},
	} {
		if m.String() != want {
			t.Errorf("%v; want %s", m, want)
		}
	}
	if got := (purse{"USD": 1, "EUR": 250}).String(); got != "2.50 EUR, 0.01 USD" {
		t.Errorf("a purse is %s", got)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(rent().payload())
	f.Add([]byte(`{"id":"a","amount":1e3,"amount":1,"to":null,"Δ":[{}]}`))
	f.Add([]byte(`{"id":"a"}{`))
	f.Fuzz(func(t *testing.T, text []byte) {
		one, err := decode(text)
		if err != nil {
			return
		}
		if wrong := one.validate(); wrong != nil {
			t.Errorf("took %q, though %v", text, wrong)
		}
		again, err := decode(one.payload())
		if err != nil || again != one {
			t.Errorf("%v is %v, %v when it is read again", one, again, err)
		}
	})
}
