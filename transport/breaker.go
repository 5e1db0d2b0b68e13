package transport

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/safetrip-go/safetrip/internal/layer"
	"github.com/safetrip-go/safetrip/internal/table"
)

// A Breaker keeps one circuit per host. After too many failures a circuit
// opens, and calls to that host are refused at once, with an [*OpenError],
// until it had time to recover; then a few calls pass as probes, and if they
// go well the circuit closes.
//
//	         failures reach the threshold
//	closed ─────────────────────────────────▶ open
//	   ▲                                    │  ▲
//	   │ Successes              OpenFor is  │  │ a probe fails;
//	   │ in a row                  over     ▼  │ OpenFor doubles
//	   └─────────────────────────────── half-open
//
// What counts is the [Verdict]'s Outcome: a 404 is an answer, a 429 and the
// caller's own cancel say nothing. A result that began before the present
// state is ignored, so that a late success closes nothing.
//
// It stands inside [Retry], so that each attempt asks it, and a refused call is
// not tried again. The zero value is ready to use. Its fields are read at the
// first Wrap; several Wraps of one Breaker share its circuits. No field may be
// negative. All methods may be called concurrently.
type Breaker struct {
	// FailureThreshold is how many failures open a circuit, as Rule counts
	// them. If zero, it is 5.
	FailureThreshold int

	// Rule says how failures count while a circuit is closed. If nil, it is
	// [Leaky].
	Rule Rule

	// Engine, if not nil, decides in place of Rule, FailureThreshold and
	// Successes when circuits open and close, and for how long: OpenFor then
	// counts for Open alone.
	Engine Engine

	// OpenFor is how long a circuit stays open the first time. If zero, it is
	// 60 s. It doubles each time that a probe fails, less up to 20 % at
	// random. Where the failure came with a longer Retry-After, that counts.
	OpenFor time.Duration

	// MaxOpenFor bounds that time. If zero, it is 10 minutes, or OpenFor if
	// that is longer.
	MaxOpenFor time.Duration

	// Probes is how many calls may be on their way at once in a half-open
	// circuit. If zero, it is 1.
	Probes int

	// Successes is how many probes in a row must go well to close a circuit.
	// If zero, it is 3.
	Successes int

	// Key says which requests share a circuit. If nil, it is the URL's scheme
	// and authority. It stands in errors, States and spans, so it must hold no
	// secret.
	Key func(*http.Request) string

	// MaxCircuits bounds how many circuits are kept; the longest idle leave
	// first. If zero, it is 10,000.
	MaxCircuits int

	// DryRun counts and reports but refuses nothing.
	DryRun bool

	// Classifier judges each attempt. If nil, it is Classify.
	Classifier Classifier

	// OnChange, if not nil, is told when a circuit changes its state. It runs
	// on the goroutine of the call that caused it, outside of all locks; it must
	// not block, and must be safe for concurrent use.
	OnChange func(Change)

	once     sync.Once
	settings *settings
	invalid  error // what is wrong with the fields, as they were at the first Wrap
	circuits *table.Table[hostKey, circuit]
}

// settings are a Breaker's fields as they were at the first Wrap, defaults
// filled in.
type settings struct {
	failureThreshold    int
	rule                Rule
	engine              Engine
	openFor, maxOpenFor time.Duration
	probes, successes   int
	key                 func(*http.Request) string
	dryRun              bool
	assess              assessor
	onChange            func(Change)

	spread spread // of the refusals of all circuits
}

// A Change is a circuit's step from one state to another.
type Change struct {
	Key      string
	From, To State
	Time     time.Time
	OpenFor  time.Duration // if To is Open: for how long
}

// Validate returns an error that names every field out of its bounds.
func (b *Breaker) Validate() error {
	var errs []error
	for _, f := range []struct {
		name  string
		value any
		bad   bool
	}{
		{"FailureThreshold", b.FailureThreshold, b.FailureThreshold < 0},
		{"Probes", b.Probes, b.Probes < 0},
		{"Successes", b.Successes, b.Successes < 0},
		{"MaxCircuits", b.MaxCircuits, b.MaxCircuits < 0},
		{"OpenFor", b.OpenFor, b.OpenFor < 0},
		{"MaxOpenFor", b.MaxOpenFor, b.MaxOpenFor < 0},
	} {
		if f.bad {
			errs = append(errs, fmt.Errorf("transport: Breaker.%s is %v; it must not be negative", f.name, f.value))
		}
	}
	if b.MaxOpenFor > 0 && b.OpenFor > b.MaxOpenFor {
		errs = append(errs, fmt.Errorf("transport: Breaker.OpenFor is %v; it must not be above MaxOpenFor, %v", b.OpenFor, b.MaxOpenFor))
	}
	if b.Rule != nil && b.Engine != nil {
		errs = append(errs, errors.New("transport: Breaker.Rule and Breaker.Engine are both set; one of them decides"))
	}
	if b.Rule != nil {
		errs = append(errs, b.Rule.validate())
	}
	return errors.Join(errs...)
}

func (b *Breaker) init() { b.once.Do(func() { b.freeze(nil) }) }

// freeze reads the fields. The circuits are those of from, if it is not nil.
func (b *Breaker) freeze(from *Breaker) {
	b.invalid = b.Validate()
	openFor := cmp.Or(b.OpenFor, time.Minute)
	b.settings = &settings{
		failureThreshold: cmp.Or(b.FailureThreshold, 5),
		rule:             cmp.Or[Rule](b.Rule, Leaky{}),
		engine:           b.Engine,
		openFor:          openFor,
		maxOpenFor:       cmp.Or(b.MaxOpenFor, max(10*time.Minute, openFor)),
		probes:           cmp.Or(b.Probes, 1),
		successes:        cmp.Or(b.Successes, 3),
		key:              b.Key,
		dryRun:           b.DryRun,
		assess:           assessorOf(b.Classifier),
		onChange:         b.OnChange,
	}
	b.circuits = &table.Table[hostKey, circuit]{Max: cmp.Or(b.MaxCircuits, table.DefaultMax)}
	if from != nil && b.invalid == nil {
		b.takeOver(from)
	}
}

// Wrap returns next guarded by b. It panics if b is not valid.
func (b *Breaker) Wrap(next http.RoundTripper) http.RoundTripper {
	if b.init(); b.invalid != nil {
		panic(b.invalid)
	}
	return &breaker{layer.Layer{Next: next}, b}
}

type breaker struct {
	layer.Layer
	*Breaker
}

// RoundTrip asks the circuit, sends, and reports. A context that is over
// already is left to the transport, which knows how to refuse it: that says
// nothing of the service.
func (b *breaker) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Context().Err() != nil {
		return b.Send(req)
	}
	c := b.circuit(keyOf(req, b.settings.key))
	p, refused := c.allow(b.settings)
	if trip := TripFrom(req.Context()); trip != nil {
		trip.SetCircuit(c.key.String(), p.found)
	}
	if refused != nil {
		layer.CloseBody(req)
		return nil, refused
	}
	if p.probe {
		return b.probe(req, c, p)
	}
	began := p.clock()
	resp, err := b.Send(req)
	if b.settings.assess.wentWell(resp, err) && !c.minds(p, Success) {
		return resp, nil
	}
	if v := b.settings.assess.classify(req, resp, err); c.minds(p, v.Outcome) {
		c.report(b.settings, p, v, began)
	}
	return resp, err
}

// probe sends one of the few calls that a half-open circuit lets pass, and
// gives its place back whatever happens, a panic included.
func (b *breaker) probe(req *http.Request, c *circuit, p permit) (*http.Response, error) {
	v, began := Verdict{Outcome: Neutral}, p.clock()
	defer func() { c.report(b.settings, p, v, began) }()
	resp, err := b.Send(req)
	v = b.settings.assess.classify(req, resp, err)
	return resp, err
}

// circuit returns the circuit of k. Only canonical keys are in the table, so
// that one that is found as it stands is one.
func (b *Breaker) circuit(k hostKey) *circuit {
	if c := b.circuits.Get(k); c != nil {
		return c
	}
	k = k.canonical()
	return b.circuits.GetOrAdd(k, func() (hostKey, *circuit) {
		k := k.clone()
		return k, b.settings.newCircuit(k)
	})
}

// States returns a snapshot of all circuits, in the order of their keys.
func (b *Breaker) States() []Circuit {
	b.init()
	var all []Circuit
	for _, c := range b.circuits.All {
		all = append(all, c.snapshot(b.settings))
	}
	slices.SortFunc(all, func(x, y Circuit) int { return cmp.Compare(x.Key, y.Key) })
	return all
}

// Open opens the circuit of key, as it stands in [Circuit.Key], for OpenFor.
// It is for operators, as Hold and Reset are; all three report whether there
// is such a circuit.
func (b *Breaker) Open(key string) bool {
	return b.operate(key, func(c *circuit) { c.force(b.settings, b.settings.openFor) })
}

// Hold opens the circuit of key until Reset, or until it leaves because it is
// among the longest idle of more than MaxCircuits.
func (b *Breaker) Hold(key string) bool {
	return b.operate(key, func(c *circuit) { c.force(b.settings, hold) })
}

// Reset closes the circuit of key and forgets its failures.
func (b *Breaker) Reset(key string) bool {
	return b.operate(key, func(c *circuit) { c.reset(b.settings) })
}

func (b *Breaker) operate(key string, do func(*circuit)) bool {
	b.init()
	for k, c := range b.circuits.All {
		if k.String() == key {
			do(c)
			return true
		}
	}
	return false
}
