package fallback

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"sync"

	"github.com/safetrip-go/safetrip/internal/layer"
	"github.com/safetrip-go/safetrip/internal/table"
	"github.com/safetrip-go/safetrip/transport"
)

// A Ladder answers in place of a service that fails: with the first of its
// steps that has an answer.
//
// It steps down when the verdict on a call is system, network, timeout,
// rate_limit or circuit_open, or data if the answer was cut or malformed. It
// never does for what the caller has to know (auth, validation, a 404), nor
// once the caller's context is over. If no step has an answer, the caller gets
// what it would have got without the ladder: the response, still readable, or
// the error, with what went wrong in the steps joined to it in an [*Error].
//
// For each key there is a level: full while the service answers, degraded
// while a step does, offline when nothing does.
//
// Put it outside of everything that tries: retries, deadlines, circuits; and
// directly around a [Cache], if one of the steps is that Cache's. The zero
// value has no steps and only keeps levels. Its fields are read at the first
// Wrap; several Wraps share the levels. All methods may be called
// concurrently.
type Ladder struct {
	// Name is what the ladder is called in States.
	Name string

	// Steps are asked in this order.
	Steps []Step

	// OfflineAfter is how many calls in a row must be left without an answer
	// for a key to be offline. If zero, it is 3; if negative, it never is.
	OfflineAfter int

	// Key says which requests share a level. If nil, it is the URL's scheme and
	// authority.
	Key func(*http.Request) string

	// MaxKeys bounds how many levels are kept; those longest unused leave
	// first. If zero, it is 10,000.
	MaxKeys int

	// Classifier judges each call. If nil, it is transport.Classify.
	Classifier transport.Classifier

	// OnChange, if not nil, is told when a key's level has changed. It runs on
	// the goroutine of the call that caused it, outside of all locks, and must
	// not block.
	OnChange func(transport.LadderState)

	once   sync.Once
	plain  bool // the Classifier is transport.Classify
	levels *table.Table[levelKey, level]
	tally  *tally
}

// Validate returns an error that names every field out of its bounds.
func (l *Ladder) Validate() error {
	var errs []error
	for i, s := range l.Steps {
		if s.Do == nil {
			errs = append(errs, fmt.Errorf("fallback: Ladder.Steps[%d] (%q) has no Do", i, s.Name))
		}
	}
	if l.MaxKeys < 0 {
		errs = append(errs, fmt.Errorf("fallback: Ladder.MaxKeys is %d; it must not be negative", l.MaxKeys))
	}
	return errors.Join(errs...)
}

const defaultOfflineAfter = 3

// Wrap returns next with the ladder's steps below it. It panics if l is not
// valid.
func (l *Ladder) Wrap(next http.RoundTripper) http.RoundTripper {
	if err := l.Validate(); err != nil {
		panic(err)
	}
	l.once.Do(l.init)
	_, cached := next.(*caching)
	return &ladder{layer.Layer{Next: next}, l, !cached}
}

func (l *Ladder) init() {
	l.Steps = slices.Clone(l.Steps)
	for i := range l.Steps {
		if l.Steps[i].Name == "" {
			l.Steps[i].Name = "step" + strconv.Itoa(i+1)
		}
	}
	if l.OfflineAfter == 0 {
		l.OfflineAfter = defaultOfflineAfter
	}
	if l.plain = l.Classifier == nil; l.plain {
		l.Classifier = transport.Classify
	}
	l.levels, l.tally = &table.Table[levelKey, level]{Max: l.MaxKeys}, new(tally)
}

// Inherit makes l go on where from is: with its levels and its counts. From
// then on both count together; l has its own steps and settings, except
// MaxKeys, which is from's. It has no effect on a Ladder that is in use.
func (l *Ladder) Inherit(from *Ladder) {
	from.once.Do(from.init)
	l.once.Do(func() {
		l.init()
		l.levels, l.tally = from.levels, from.tally
	})
}

type ladder struct {
	layer.Layer
	*Ladder
	foreign bool // what is below does not see to Cache-Status
}

func (l *ladder) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := l.Send(req)
	if l.plain && err == nil && resp.StatusCode < 400 { // what Classify would say, sooner
		l.answered(req, resp, transport.Success)
		return resp, nil
	}
	v := l.Classifier(req, resp, err)
	if !degradable(v) || req.Context().Err() != nil || refusedHere(req, resp) {
		l.answered(req, resp, v.Outcome)
		if v.Outcome == transport.Failed && ours(resp) == nil {
			l.unanswered(req, v)
		}
		return resp, err
	}
	return l.stepDown(req, resp, err, v)
}

// degradable says whether an answer from elsewhere is better than this one.
func degradable(v transport.Verdict) bool {
	switch v.Category {
	case transport.System, transport.Network, transport.TimedOut, transport.RateLimit, transport.CircuitOpen:
		return true
	case transport.Data:
		return v.Outcome == transport.Failed // cut or malformed; a 404 is an answer
	default:
		return false
	}
}

// refusedHere reports whether a request was answered by our own cache that it
// had nothing, as it was asked to: nobody else is to be asked then.
func refusedHere(req *http.Request, resp *http.Response) bool {
	return resp != nil && resp.StatusCode == http.StatusGatewayTimeout && requestControl(req.Header["Cache-Control"], nil).onlyIfCached
}

// answered keeps the level when no step was needed, or none may be taken.
func (l *ladder) answered(req *http.Request, resp *http.Response, o transport.Outcome) {
	if o == transport.Success && l.levels.Len() > 0 && ours(resp) == nil { // a cache's answer says nothing of the service
		l.recovered(req)
	}
	if l.foreign && resp != nil {
		disown(resp)
	}
}

// ours returns the reply that resp is, or nil if it did not come from a cache.
func ours(resp *http.Response) *reply {
	if resp == nil {
		return nil
	}
	r, _ := resp.Body.(*reply)
	return r
}

// stepDown asks the steps. The response that is to be given up stays open
// until one of them has an answer.
func (l *ladder) stepDown(req *http.Request, resp *http.Response, err error, v transport.Verdict) (*http.Response, error) {
	panicking := true
	defer func() {
		if panicking && resp != nil && resp.Body != nil {
			resp.Body.Close()
		}
	}()
	answer, errs := l.climb(req, resp, v)
	panicking = false
	switch ctx := req.Context(); {
	case answer != nil:
		transport.Discard(resp)
		return answer, nil
	case ctx.Err() != nil:
		transport.Discard(resp)
		return nil, joined(context.Cause(ctx), append(errs, err), v)
	}
	l.unanswered(req, v)
	if trip := transport.TripFrom(req.Context()); trip != nil {
		trip.SetAnswer(transport.Answer{Level: l.levelOf(req)})
	}
	if err != nil {
		return nil, joined(err, errs, v)
	}
	if l.foreign {
		disown(resp)
	}
	return resp, nil
}

// climb returns the first answer of a step, or what went wrong in them.
func (l *ladder) climb(req *http.Request, failed *http.Response, v transport.Verdict) (*http.Response, []error) {
	trip := transport.TripFrom(req.Context())
	var errs []error
	for _, step := range l.Steps {
		if req.Context().Err() != nil {
			break
		}
		trip.SetAnswer(transport.Answer{})
		answer, err := step.Do(req, v)
		if err == nil && answer != nil {
			l.degraded(req, v)
			l.sign(req, answer, step, failed)
			return answer, nil
		}
		if answer != nil && answer.Body != nil {
			answer.Body.Close()
		}
		if err != nil && !errors.Is(err, ErrNoAnswer) {
			errs = append(errs, stepError(step.Name, err))
		}
	}
	return nil, errs
}

// stepError names the step that failed. A cancel in a step is that step's own
// affair: joined to the first error it would make the whole look canceled by
// the caller, so its text alone is kept.
func stepError(name string, err error) error {
	if errors.Is(err, context.Canceled) {
		return fmt.Errorf("fallback: step %q: %v", name, err) //nolint:errorlint // see above
	}
	return fmt.Errorf("fallback: step %q: %w", name, err)
}

// sign says on the answer, and in the Trip, where it came from.
func (l *ladder) sign(req *http.Request, answer *http.Response, step Step, failed *http.Response) {
	trip := transport.TripFrom(req.Context())
	from := trip.Answer()
	f := facts{why: fwdMiss}
	r := ours(answer)
	if r != nil {
		f = r.facts
		from.Source = transport.SourceCache
	} else {
		disown(complete(answer, req))
		answer.Header = maps.Clone(answer.Header) // a step may hand out the same one each time
	}
	if from.Source == "" {
		from.Source = transport.Source(step.Name)
	}
	l.tally.add(from.Source)
	from.Step, from.Level = step.Name, transport.Degraded
	trip.SetAnswer(from)
	f.step = step.Name
	if failed != nil {
		f.status = failed.StatusCode
	}
	lines := answer.Header["Cache-Status"]
	if r != nil && len(lines) > 0 {
		lines = lines[:len(lines)-1] // in place of what the cache said without knowing why
	}
	answer.Header["Cache-Status"] = append(slices.Clip(lines), f.String())
}
