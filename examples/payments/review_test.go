package main

import (
	"errors"
	"slices"
	"testing"
)

// inReview returns a business with one transaction of unknown outcome, whose
// gateway goes on with lines.
func inReview(t *testing.T, lines ...line) (*business, *script) {
	t.Helper()
	s := &script{lines: []line{resets}}
	b := newBusiness(t, s, nil)
	b.take(t, rent())
	b.want(t, "rent-11", review, "outcome unknown: network: read: connection reset by peer")
	s.lines, s.asked = lines, nil
	return b, s
}

func TestVoidAsksTheGatewayFirst(t *testing.T) {
	t.Parallel()
	one := rent()
	closed := receipt{Key: one.key(), Status: "voided"}
	const find, void = "GET /charges/pay_83fa42a189ad9794a82a4019f65f085e", "PUT /voids/pay_83fa42a189ad9794a82a4019f65f085e"
	for _, tt := range []struct {
		gateway string
		lines   []line
		asked   []string
		state   state
		why     string
	}{
		{"knows nothing of it: the key is closed", []line{fails(404), says(200, closed)}, []string{find, void}, voided, "because"},
		{"has charged it: what is charged is charged", []line{says(200, paid(one))}, []string{find}, charged, ""},
		{"charges it between the two questions", []line{fails(404), says(200, paid(one))}, []string{find, void}, charged, ""},
		{"has declined it", []line{says(200, receipt{Key: one.key(), Status: "declined", Reason: "no"})}, []string{find}, declined, "no"},
		{"has closed the key before", []line{says(200, closed)}, []string{find}, voided, "because"},
		{"cannot be asked: nothing is void", []line{fails(503)}, []string{find, find, find, find}, review, "not voided: outcome unknown: answered 503"},
		{"knows nothing, and is gone: nothing is void", []line{fails(404), refuses}, []string{find, void, void, void, void}, review,
			"not voided: outcome unknown: network: dial: connection refused"},
	} {
		t.Run(tt.gateway, func(t *testing.T) {
			t.Parallel()
			b, s := inReview(t, tt.lines...)
			r, err := b.processor.void(t.Context(), one.ID, ada)
			if err != nil || r.state != tt.state {
				t.Errorf("it is %s, %v; want %s", r.state, err, tt.state)
			}
			b.want(t, one.ID, tt.state, tt.why)
			var asked []string
			for _, q := range s.questions() {
				asked = append(asked, q.what)
			}
			if !slices.Equal(asked, tt.asked) {
				t.Errorf("asked %q; want %q", asked, tt.asked)
			}
			b.wantAudit(t)
		})
	}
}

func TestResendHearsOfTheChargeThatNobodyHeardOf(t *testing.T) {
	t.Parallel()
	b, s := inReview(t, says(201, paid(rent())))
	if err := b.processor.resend(t.Context(), "rent-11", ada); err != nil {
		t.Fatal(err)
	}
	if err := b.processor.drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.want(t, "rent-11", charged, "")
	if asked := s.questions(); len(asked) != 1 || asked[0].key != rent().key() {
		t.Errorf("asked %v", asked)
	}
	b.wantAudit(t)
}

func TestOnlyWhatIsInReviewIsReviewed(t *testing.T) {
	t.Parallel()
	b, _ := inReview(t, says(201, paid(rent())))
	for range 2 { // the second time it is queued already
		_ = b.processor.resend(t.Context(), "rent-11", ada)
	}
	if err := b.processor.resend(t.Context(), "rent-11", ada); !errors.Is(err, errMoved) {
		t.Errorf("sent again twice: %v", err)
	}
	if _, err := b.processor.void(t.Context(), "rent-11", ada); !errors.Is(err, errMoved) {
		t.Errorf("voided on its way: %v", err)
	}
	if _, err := b.processor.void(t.Context(), "rent-12", ada); !errors.Is(err, errUnknown) {
		t.Errorf("voided what is not there: %v", err)
	}
	if err := b.processor.resend(t.Context(), "rent-12", ada); !errors.Is(err, errUnknown) {
		t.Errorf("sent again what is not there: %v", err)
	}
}

func TestWhatAKillInterruptedIsTakenUpAgain(t *testing.T) {
	t.Parallel()
	b, _ := inReview(t, says(201, paid(rent())))
	other := rent()
	other.ID = "rent-12"
	if _, _, err := b.processor.accept(t.Context(), other); err != nil {
		t.Fatal(err)
	}
	if _, err := b.store.claim(t.Context()); err != nil { // and is killed
		t.Fatal(err)
	}
	if err := b.store.move(t.Context(), "rent-11", change{from: review, to: voiding, by: "ada"}); err != nil { // and is killed
		t.Fatal(err)
	}
	if err := b.processor.recover(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.want(t, "rent-11", review, "interrupted while it was voided")
	b.want(t, "rent-12", queued, "interrupted: sent again under the same key")
	b.wantAudit(t)
}
