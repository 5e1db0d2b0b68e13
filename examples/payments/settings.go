package main

import (
	"log/slog"
	"net/http"
	"net/netip"
	"time"

	"github.com/safetrip-go/safetrip"
	"github.com/safetrip-go/safetrip/healthz"
	"github.com/safetrip-go/safetrip/transport"
)

// patience is how long things may take. The flags set it.
type patience struct {
	attempt time.Duration // for one attempt
	call    time.Duration // for all attempts of a call
	backoff time.Duration // before the second attempt
	openFor time.Duration // for a circuit that opened
}

// config is the kit's preset for services that move money: several attempts of
// what has an Idempotency-Key and none of what has not, and no answers but the
// gateway's own. What is added is this program's.
func config(p patience, monitor *healthz.Monitor, log *slog.Logger) safetrip.Config {
	c := safetrip.PresetPayments()
	c.Retry.BaseDelay, c.Retry.MaxDelay = p.backoff, max(p.call/4, p.backoff)
	c.Retry.Budget = &transport.Budget{Ratio: 0.5} // a person's time costs more than the gateway's
	c.Timeout.Headers, c.Timeout.Idle = p.attempt, p.attempt
	c.Deadline.Total = p.call
	c.Buffer = &transport.Buffer{MaxBytes: maxReceipt}                                        // a receipt that is cut is a failure of the attempt
	c.Breaker = &transport.Breaker{Rule: transport.Ratio{}, OpenFor: p.openFor, Successes: 1} // this gateway fails often: open when it is gone
	c.Health = monitor
	c.Logger = log
	return c
}

// fromHere lets people on this machine see the health page in full.
func fromHere(r *http.Request) bool {
	from, err := netip.ParseAddrPort(r.RemoteAddr)
	return err == nil && from.Addr().Unmap().IsLoopback()
}
