package main

import (
	"bytes"
	"strings"
	"testing"
)

// settled returns a store with five transactions that are charged: 15 entries.
func settled(t *testing.T) *store {
	t.Helper()
	b := newBusiness(t, &script{lines: []line{fails(422)}}, nil)
	b.take(t, sample(5)...)
	return b.store
}

// exec changes the database as somebody would who knows how to go around it.
func (s *store) exec(t *testing.T, statements string) {
	t.Helper()
	_, err := s.db.ExecContext(t.Context(), `
		DROP TRIGGER audit_is_not_changed; DROP TRIGGER audit_is_not_cut;
		DROP TRIGGER transactions_are_not_lost; DROP TRIGGER what_is_sent_stays;`+statements)
	if err != nil {
		t.Fatal(err)
	}
}

func (s *store) verdict(t *testing.T, a anchor) (holds bool, said string) {
	t.Helper()
	var out bytes.Buffer
	holds, err := s.verify(t.Context(), a, &out)
	if err != nil {
		t.Fatal(err)
	}
	return holds, out.String()
}

func TestVerifySaysWhereTheChainBreaks(t *testing.T) {
	t.Parallel()
	if holds, said := settled(t).verdict(t, anchor{}); !holds || !strings.HasPrefix(said, "audit: 15 entries, unbroken; 5 transactions stand where they say\nanchor: 15:") {
		t.Errorf("of a log that nobody touched it says %s", said)
	}
	const rehash = `UPDATE audit SET hash = '` // what is changed is made to fit as far as it goes
	for _, tt := range []struct {
		deed string
		sql  string
		says string
	}{
		{"an entry is changed", `UPDATE audit SET entry = replace(entry, 'payments', 'nobody') WHERE seq = 7`,
			"audit: the chain breaks at entry 7: its text is not what its hash says\n"},
		{"a hash is changed", rehash + `00' WHERE seq = 7`, "audit: the chain breaks at entry 7: its text is not what its hash says\n"},
		{"an entry is taken out", `DELETE FROM audit WHERE seq = 7`, "audit: the chain breaks at entry 8: it follows on entry 6\n"},
		{"the beginning is taken out", `DELETE FROM audit WHERE seq < 3`, "audit: the chain breaks at entry 3: it follows on entry 0\n"},
		{"the end is cut off", `DELETE FROM audit WHERE seq > 14`, "transaction inv-000"},
		{"two entries change places", `UPDATE audit SET seq = -7 WHERE seq = 7; UPDATE audit SET seq = 7 WHERE seq = 8; UPDATE audit SET seq = 8 WHERE seq = -7`,
			"audit: the chain breaks at entry 7: it says that it is entry 8\n"},
		{"an amount is changed", `UPDATE transactions SET payload = replace(payload, '"amount":', '"amount":9') WHERE id = 'inv-0002'`,
			"audit: transaction inv-0002 is not what was accepted\n"},
		{"a state is changed", `UPDATE transactions SET state = 'charged' WHERE id = 'inv-0003'`,
			"audit: transaction inv-0003 is charged, but the log left it review\n"},
		{"a transaction is deleted", `DELETE FROM transactions WHERE id = 'inv-0004'`, "audit: transaction inv-0004 is gone\n"},
		{"a transaction is made up", `INSERT INTO transactions (id, key, payload, state, changed) VALUES ('x', 'y', '{}', 'charged', 0)`,
			"audit: transaction x was never accepted\n"},
	} {
		t.Run(tt.deed, func(t *testing.T) {
			t.Parallel()
			s := settled(t)
			s.exec(t, tt.sql)
			if holds, said := s.verdict(t, anchor{}); holds || !strings.Contains(said, tt.says) {
				t.Errorf("holds: %t; says %swant %s", holds, said, tt.says)
			}
		})
	}
}

// Who rewrites the log from some entry on, all hashes included, makes one that is
// sound in itself.
func TestAnAnchorFindsALogThatWasWrittenAnew(t *testing.T) {
	t.Parallel()
	s := settled(t)
	_, said := s.verdict(t, anchor{})
	_, kept, _ := strings.Cut(strings.TrimSpace(said), "anchor: ")
	a, err := parseAnchor(kept)
	if err != nil {
		t.Fatal(err)
	}
	if holds, said := s.verdict(t, a); !holds {
		t.Errorf("of a log that nobody touched it says %s", said)
	}
	s.exec(t, `DELETE FROM audit; DELETE FROM transactions`)
	all := sample(5)
	all[0].Amount++
	if _, _, err := s.accept(t.Context(), all...); err != nil {
		t.Fatal(err)
	}
	if holds, said := s.verdict(t, anchor{}); !holds {
		t.Errorf("this one is sound: %s", said)
	}
	if holds, said := s.verdict(t, a); holds || said != "audit: the chain has no entry 15 with the hash of the anchor: it was cut or written anew\n" {
		t.Errorf("holds: %t; says %s", holds, said)
	}
}

func TestTheDatabaseItselfRefusesToForget(t *testing.T) {
	t.Parallel()
	s := settled(t)
	for _, statement := range []string{
		`UPDATE audit SET entry = '' WHERE seq = 1`, `DELETE FROM audit`, `DELETE FROM transactions`,
		`UPDATE transactions SET payload = '{}'`, `UPDATE transactions SET key = 'x' WHERE n = 1`,
	} {
		if _, err := s.db.ExecContext(t.Context(), statement); err == nil {
			t.Errorf("it did: %s", statement)
		}
	}
}
