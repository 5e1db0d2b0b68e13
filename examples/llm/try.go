package main

import (
	"context"
	"net/http"
	"time"

	"github.com/safetrip-go/safetrip"
	"github.com/safetrip-go/safetrip/transport"
)

// An outcome is what one question came to.
type outcome struct {
	answer answer
	err    error
	seen   []int // what the service answered for the large model
	all    int   // how many requests it saw
	took   time.Duration

	tokens int           // that a stream brought
	first  time.Duration // until the first of them
	held   int           // how many were not sent yet then

	trip *transport.Trip
}

// A result is what one library came to.
type result struct {
	sdk       *sdk
	scenarios []scenario
	bare, kit []outcome
	nested    [3]int // requests of the hopeless call: the library retries, the kit does, both do
}

// tryAll asks each question twice.
func (s *sdk) tryAll(ctx context.Context) (result, error) {
	service, err := serve(ctx, s)
	if err != nil {
		return result{}, err
	}
	defer service.server.Close()
	r := result{sdk: s, scenarios: s.scenarios()}
	for _, c := range r.scenarios {
		bare, err := s.try(ctx, service, c, new(http.Client), s.own)
		if err != nil {
			return r, err
		}
		kit, err := s.tryKit(ctx, service, c, s.settings(), 0)
		if err != nil {
			return r, err
		}
		r.bare, r.kit = append(r.bare, bare), append(r.kit, kit)
	}
	r.nested, err = s.tryNested(ctx, service)
	return r, err
}

// tryKit asks with an Agent of its own, so that no question meets a circuit or
// a budget that another one left behind.
func (s *sdk) tryKit(ctx context.Context, service *service, c scenario, cfg safetrip.Config, retries int) (outcome, error) {
	agent, err := safetrip.New(s.name, cfg)
	if err != nil {
		return outcome{}, err
	}
	defer agent.Close()
	return s.try(ctx, service, c, agent.Client(), retries)
}

// tryNested counts the requests of a call that cannot go well, with nobody to
// step in and no circuit to end it.
func (s *sdk) tryNested(ctx context.Context, service *service) (requests [3]int, _ error) {
	cfg := s.settings()
	cfg.Steps, cfg.Disable = nil, cfg.Disable|safetrip.Breaker
	bare, err := s.try(ctx, service, hopeless, new(http.Client), 2)
	if err != nil {
		return requests, err
	}
	kit, err := s.tryKit(ctx, service, hopeless, cfg, 0)
	if err != nil {
		return requests, err
	}
	both, err := s.tryKit(ctx, service, hopeless, cfg, 2)
	return [3]int{bare.all, kit.all, both.all}, err
}

// try asks one question through client.
func (s *sdk) try(ctx context.Context, service *service, c scenario, client *http.Client, retries int) (outcome, error) {
	m, err := s.connect(access{service.URL, client, retries, s.large})
	if err != nil {
		return outcome{}, err
	}
	defer client.CloseIdleConnections()
	service.begin(c)

	const question = "What does a circuit breaker do?"
	var o outcome
	ctx, o.trip = transport.NewTrip(ctx)
	start := time.Now()
	if c.stream {
		o.answer, o.err = m.stream(ctx, question, func() {
			if sent := service.arrived(); o.tokens == 0 {
				o.first, o.held = time.Since(start), len(tokens)-sent
			}
			o.tokens++
		})
	} else {
		o.answer, o.err = m.ask(ctx, question)
	}
	o.took = time.Since(start)
	o.seen, o.all = service.saw()
	return o, context.Cause(ctx) // of an interrupt, which is nobody's outcome
}
