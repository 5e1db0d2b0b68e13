package main

import (
	"bytes"
	"log/slog"
	"net/http"
	"strings"
	"testing"
)

func TestOneKeyAndOnePayloadForAllAttempts(t *testing.T) {
	t.Parallel()
	one := rent()
	s := &script{lines: []line{fails(503), resets, cuts(paid(one)), says(201, paid(one))}}
	b := newBusiness(t, s, nil)
	b.take(t, one)
	b.want(t, one.ID, charged, "")
	asked := s.questions()
	for _, q := range asked {
		if q != (question{"POST /charges", one.key(), string(one.payload())}) {
			t.Errorf("asked %v", q)
		}
	}
	if len(asked) != 4 {
		t.Errorf("asked %d times; want 4", len(asked))
	}
	var entries string
	if err := b.store.db.QueryRowContext(t.Context(), `SELECT group_concat(entry) FROM audit`).Scan(&entries); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(entries, `"attempts":"503, network, data, 201"`) {
		t.Errorf("the audit log does not tell the attempts: %s", entries)
	}
	b.wantAudit(t)
}

func TestWhereATransactionGoes(t *testing.T) {
	t.Parallel()
	one := rent()
	other, less := paid(one), paid(one)
	other.Key, less.Amount = "pay_other", 1
	for _, tt := range []struct {
		gateway string
		lines   []line
		to      state
		why     string
	}{
		{"charges", []line{says(201, paid(one))}, charged, ""},
		{"has charged before", []line{says(200, paid(one))}, charged, ""},
		{"declines", []line{says(402, receipt{Key: one.key(), Status: "declined", Reason: "insufficient funds"})}, declined, "insufficient funds"},
		{"has the key closed", []line{says(409, receipt{Key: one.key(), Status: "voided"})}, voided, "the key is closed"},

		{"was never reached", []line{refuses}, review, "not reached: network: dial: connection refused"},
		{"hangs up each time", []line{resets}, review, "outcome unknown: network: read: connection reset by peer"},
		{"hangs up, and then is gone", []line{resets, refuses}, review, "outcome unknown: network: dial: connection refused"},
		{"answers 500 each time", []line{fails(500)}, review, "outcome unknown: answered 500"},
		{"cuts each answer", []line{cuts(paid(one))}, review, "outcome unknown: data: unexpected EOF"},
		{"does not like the request", []line{fails(422)}, review, "refused as it stands: answered 422"},
		{"wants us to go elsewhere", []line{goElsewhere}, review, "outcome unknown: answered 307"},
		{"answers for another key", []line{says(201, other)}, review, "outcome unknown: the receipt is for another key"},
		{"charges another amount", []line{says(201, less)}, review, `charged 1 "EUR" in place of 950.00 EUR`},
		{"says something new", []line{says(200, receipt{Key: one.key(), Status: "perhaps"})}, review, "outcome unknown: a receipt that makes no sense"},
		{"says charged beside a 500", []line{says(500, paid(one))}, review, "outcome unknown: answered 500"},
	} {
		t.Run(tt.gateway, func(t *testing.T) {
			t.Parallel()
			b := newBusiness(t, &script{lines: tt.lines}, nil)
			b.take(t, one)
			b.want(t, one.ID, tt.to, tt.why)
			b.wantAudit(t)
		})
	}
}

func goElsewhere(*http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: 307, Header: http.Header{"Location": {"http://elsewhere.test/"}}, Body: http.NoBody}, nil
}

func TestARefusalIsNotSentAgain(t *testing.T) {
	t.Parallel()
	s := &script{lines: []line{fails(422)}}
	newBusiness(t, s, nil).take(t, rent())
	if n := len(s.questions()); n != 1 {
		t.Errorf("asked %d times", n)
	}
}

func TestAGatewayThatIsGoneIsLeftAlone(t *testing.T) {
	t.Parallel()
	s := &script{lines: []line{refuses}}
	b := newBusiness(t, s, nil)
	b.take(t, sample(40)...)
	counts, err := b.store.count(t.Context(), zero)
	if err != nil || counts[review] != 40 {
		t.Errorf("%v, %v; want 40 in review", counts, err)
	}
	if n := len(s.questions()); n > 25 {
		t.Errorf("asked %d times; the circuit should open at 20", n)
	}
	b.want(t, "inv-0040", review, "not reached: circuit_open")
}

// The log of the program and of the kit, the audit log and everything that is
// answered over HTTP.
func TestNoAccountNumberIsWholeAnywhere(t *testing.T) {
	t.Parallel()
	var seen safeBuffer
	log := slog.New(slog.NewJSONHandler(&seen, &slog.HandlerOptions{Level: slog.LevelDebug}))
	b := newBusiness(t, &script{lines: []line{fails(503), resets, fails(500)}}, log)
	b.take(t, rent())
	server := routes(b.processor, b.agent.Healthz(), log)
	for _, path := range []string{"/transactions/rent-11", "/review", "/healthz?verbose"} {
		seen.Write(ask(t, server, "GET", path, "").Body.Bytes())
	}
	seen.Write(ask(t, server, "POST", "/transactions", `{"id":"DE89370400440532013000 ","from":"DE89370400440532013000X","to":"GB29NWBK60161331926819","DE89370400440532013000":1}`).Body.Bytes())
	seen.Write(ask(t, server, "POST", "/transactions", strings.Replace(string(rent().payload()), "95000", "1", 1)).Body.Bytes())
	rows, err := b.store.db.QueryContext(t.Context(), `SELECT entry FROM audit`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var entry []byte
		if err := rows.Scan(&entry); err != nil {
			t.Fatal(err)
		}
		seen.Write(entry)
	}
	text := seen.String()
	for _, secret := range []string{"370400440532013000", "NWBK60161331926819"} {
		if i := strings.Index(text, secret); i >= 0 {
			t.Errorf("whole: %s", text[max(0, i-200):min(len(text), i+100)])
		}
	}
	if !strings.Contains(text, "DE89…3000") || !bytes.Contains([]byte(text), []byte("gave up")) {
		t.Errorf("this looked at too little: %s", text)
	}
}
