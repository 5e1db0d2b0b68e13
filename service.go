package safetrip

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/safetrip-go/safetrip/internal/layer"
	"github.com/safetrip-go/safetrip/transport"
)

// A Service is one of the things that a program calls, treated as its Config
// among [Config.Services] says. All methods may be called concurrently.
type Service struct {
	agent *Agent
	name  string
}

// Service returns the service of that name. If the Agent is not configured with
// one, or no longer, everything asked of it ends with an [*UnknownServiceError].
func (a *Agent) Service(name string) *Service { return &Service{a, name} }

// An UnknownServiceError says that an Agent has no service of that name.
type UnknownServiceError struct {
	Name  string
	Known []string // those that it has
}

// Error names the services that there are.
func (e *UnknownServiceError) Error() string {
	known := "there are none"
	if len(e.Known) > 0 {
		known = "there are " + strings.Join(e.Known, ", ")
	}
	return fmt.Sprintf("safetrip: no service %q among Config.Services; %s", e.Name, known)
}

// Verdict says that this is a fault of the program, and nothing of a service.
func (e *UnknownServiceError) Verdict() transport.Verdict {
	return transport.Verdict{
		Outcome: transport.Neutral, Category: transport.Validation, Severity: transport.Low, Sent: transport.Unsent,
	}
}

func (s *Service) policy() (*policy, error) {
	services := s.agent.setup.Load().services
	if p := services[s.name]; p != nil {
		return p, nil
	}
	return nil, &UnknownServiceError{s.name, slices.Sorted(maps.Keys(services))}
}

// Client returns a new [http.Client] whose calls are all the service's.
func (s *Service) Client() *http.Client { return &http.Client{Transport: s.Transport()} }

// Transport returns a transport whose calls are all the service's.
func (s *Service) Transport() http.RoundTripper { return &serviceTransport{s} }

type serviceTransport struct{ service *Service }

func (t *serviceTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	p, err := t.service.policy()
	if err != nil {
		layer.CloseBody(req)
		return nil, err
	}
	return p.calls.RoundTrip(req)
}

func (t *serviceTransport) CloseIdleConnections() {
	if p, err := t.service.policy(); err == nil {
		closeIdle(p)
	}
}

// Do does work that is not an HTTP call, such as a query of a database, as if
// it were one: judged by the same verdicts, tried again where that can help,
// guarded by the service's circuit and timeouts, counted, traced and seen on
// the health page under the name operation. If it fails for a reason that a
// ladder steps down for, the fallbacks are tried in turn, and the first that
// returns nil ends it well: the service's level is degraded then. They have the
// time of ctx, and no other limit. Where [Fallback] is disabled, as in
// [PresetPayments], they are not tried.
//
// An error that [transport.Classify] does not know counts against the service.
// One that is no fault of its own, such as a rule of business, says so by a
// method Verdict.
//
// Work is handed a context that ends when its time is up, and must heed it:
// what comes later counts as failed. With a timeout the context ends with the
// work, too, so rows of a query are read within. Work runs on the caller's
// goroutine, up to Retry.MaxAttempts times: what must not be done twice, do
// under [transport.WithoutRetry]. What it finds it leaves in variables around
// it.
//
// If operation is empty, it is that of ctx ([transport.WithOperation]), or the
// service's name. Like names of requests, operations are to be few. Do panics
// if work or a fallback is nil.
//
// The error is the work's own if it was done once. After several attempts it is
// a [*transport.Failure] that wraps the last one, which is the circuit's refusal
// if that has opened meanwhile. A circuit that refuses the work from the start
// returns a [*transport.OpenError], in which errors.AsType finds a Failure too.
// If fallbacks were tried, a [*fallback.Error] has their errors beside these. A
// panic passes through, with nothing left held. A [transport.Trip] in ctx tells
// what happened.
func (s *Service) Do(ctx context.Context, operation string, work func(context.Context) error, fallbacks ...func(context.Context) error) error {
	t := &task{work, fallbacks}
	t.check()
	p, err := s.policy()
	if err != nil {
		return err
	}
	ctx = transport.WithOperation(ctx, cmp.Or(operation, transport.OperationOf(ctx), s.name))
	ctx = context.WithValue(ctx, taskKey{}, t)
	req := &http.Request{
		Method: http.MethodGet, // may be done again
		URL:    &url.URL{Scheme: "work", Host: s.name},
		Header: make(http.Header),
		Host:   s.name,
	}
	resp, err := p.work.RoundTrip(req.WithContext(ctx))
	if err != nil {
		return err
	}
	return resp.Body.Close()
}
