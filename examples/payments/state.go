package main

import "slices"

// A state is where a transaction stands.
//
//	   ┌──────────────────────────────────────────┐
//	   ▼                                          │ resend
//	queued ──▶ sending ──▶ charged                │
//	   ▲          │ ├────▶ declined               │
//	   └──────────┘ ├────▶ voided                 │
//	   interrupted  └────▶ review ────────────────┘
//	                        ▲  │ void
//	                        │  ▼
//	                       voiding ──▶ voided, charged, declined
//
// Whatever asks the gateway is written down before it asks. What a killed
// process left in sending is sent again, under the same key.
type state string

const (
	queued   state = "queued"   // accepted: the sender may forget about it
	sending  state = "sending"  // the gateway may have it, or may not
	review   state = "review"   // a person decides
	voiding  state = "voiding"  // a person wants it to be void; the gateway is asked
	charged  state = "charged"  // the gateway has a charge
	declined state = "declined" // the gateway refused it for good
	voided   state = "voided"   // the gateway will never charge it
)

var steps = map[state][]state{
	"":      {queued},
	queued:  {sending},
	sending: {charged, declined, voided, review, queued},
	review:  {queued, voiding},
	voiding: {voided, charged, declined, review},
}

// leadsTo says whether a transaction may go from one state to another.
func (s state) leadsTo(next state) bool { return slices.Contains(steps[s], next) }
