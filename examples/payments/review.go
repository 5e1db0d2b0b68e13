package main

import (
	"context"
	"fmt"
)

// A decision is a person's: who, and why.
type decision struct {
	Reviewer string `json:"reviewer"`
	Reason   string `json:"reason"`
}

func (d decision) validate() faults {
	var all faults
	if d.Reviewer == "" || d.Reviewer == self {
		all = append(all, fault{"reviewer", "must be a person"})
	} else if problem := checkText(d.Reviewer, maxID); problem != "" {
		all = append(all, fault{"reviewer", problem})
	}
	if problem := checkText(d.Reason, maxReference); problem != "" {
		all = append(all, fault{"reason", problem})
	}
	return all
}

// resend puts a transaction back into the queue. It goes out under the same key,
// so that a charge that was made, and of which nobody heard, is not made again
// but heard of.
func (p *processor) resend(ctx context.Context, id string, d decision) error {
	if _, err := p.store.find(ctx, id); err != nil {
		return err
	}
	defer p.rouse()
	return p.store.move(ctx, id, change{from: review, to: queued, by: d.Reviewer, why: d.Reason})
}

// void makes sure that a transaction will never be charged, and returns where it
// stands then: voided, or what it turned out to be.
//
// A transaction is in review because nobody knows what became of it. To write
// "voided" beside it would be a wish. So the gateway is asked by the key first,
// and what it knows counts: money that has moved is charged, whatever a
// reviewer wants, and what is needed then is a refund. It is tempting to void it
// if the gateway knows nothing; we do not, because a request that is still on
// its way, in some buffer or some slow handler, may arrive after the question.
// The key has to be closed: then that request will be refused.
//
// Where the gateway cannot be asked, the transaction stays in review.
func (p *processor) void(ctx context.Context, id string, d decision) (record, error) {
	r, err := p.store.find(ctx, id)
	if err != nil {
		return r, err
	}
	ctx = context.WithoutCancel(ctx) // what was begun is ended, even if the reviewer goes home
	if err := p.store.move(ctx, id, change{from: review, to: voiding, by: d.Reviewer, why: d.Reason}); err != nil {
		return r, err
	}
	o, known := p.provider.find(ctx, r.transaction)
	if !known {
		o = p.provider.void(ctx, r.transaction)
	}
	by := self
	if o.to == voided {
		by, o.why = d.Reviewer, d.Reason
	} else if o.to == review {
		o.why = "not voided: " + o.why
	}
	if err := p.store.move(ctx, id, change{from: voiding, to: o.to, by: by, why: o.why, charge: o.charge}); err != nil {
		return r, fmt.Errorf("%s is void or not, and it cannot be written down: %w", id, err)
	}
	return p.store.find(ctx, id)
}
