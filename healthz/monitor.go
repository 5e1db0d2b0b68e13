package healthz

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/safetrip-go/safetrip/transport"
)

// A Monitor runs checks in the background and answers probes from what they
// found last. The zero value watches the machine's processor, memory and disk.
// It is an [http.Handler]; nothing runs before [Monitor.Run] is called, and
// until then every probe is answered 503.
//
// Fields are read at the first use; later writes have no effect. A Monitor
// must not be copied after that.
type Monitor struct {
	// Name is the agent_name of reports. If empty, it is the program's file
	// name.
	Name string

	// Sources is where the state of the live traffic is read. Each that is nil
	// leaves out its checks and its part of the report.
	Sources Sources

	// Thresholds are the bounds of the built-in checks.
	Thresholds Thresholds

	// Checks are run beside the built-in ones. Others can come and go later:
	// see [Monitor.Add].
	Checks []Check

	// Alerts says who is told of changes, and when.
	Alerts Alerts

	// Interval is the time from one run of a check to its next, unless the
	// check has its own. If zero, it is 30 s.
	Interval time.Duration

	// Detail decides who may see more than the overall status and the names
	// and statuses of checks: values, hosts, circuits, traffic. If nil, nobody
	// may. It must be fast: it runs in every request.
	Detail func(*http.Request) bool

	// Classifier names the category of an error. If nil, it is
	// [transport.Classify].
	Classifier transport.Classifier

	// Logger is told of checks and sinks that panic, and of sinks that take
	// too long. If nil, it is [slog.Default].
	Logger *slog.Logger

	once sync.Once
	set  settings

	entries atomic.Pointer[[]*entry] // in the order in which they were added; replaced, never changed
	running atomic.Pointer[run]      // nil while Run does not run
	sinks   sinkSet
	viewers atomic.Int64
	alerted alertLog

	occupied atomic.Bool // by a Run that has not returned
	samples  samples

	mu sync.Mutex // held by those who replace entries or running
}

// settings is what the Monitor's fields said at the first use, with defaults
// filled in.
type settings struct {
	name       string
	sources    Sources
	thresholds Thresholds
	alerts     Alerts
	interval   time.Duration
	detail     func(*http.Request) bool
	classify   transport.Classifier
	logger     *slog.Logger
	fault      error
}

// Validate reports what is wrong with the fields, each fault with the field
// and its bound, all of them joined. [Monitor.Run] returns the same.
func (m *Monitor) Validate() error {
	errs := []error{m.Thresholds.validate(), m.Alerts.validate()}
	if m.Interval < 0 {
		errs = append(errs, fmt.Errorf("healthz: Monitor.Interval must not be negative, is %v", m.Interval))
	}
	seen := make(map[string]bool)
	for _, c := range slices.Concat(builtin(m.Sources, m.Thresholds.defaults()), m.Checks) {
		errs = append(errs, c.validate())
		if seen[c.Name] {
			errs = append(errs, fmt.Errorf("healthz: Monitor.Checks has two named %q", c.Name))
		}
		seen[c.Name] = true
	}
	return errors.Join(errs...)
}

// freeze reads the fields, once.
func (m *Monitor) freeze() *settings {
	m.once.Do(func() {
		s := &m.set
		*s = settings{
			name: m.Name, sources: m.Sources, thresholds: m.Thresholds.defaults(), alerts: m.Alerts.defaults(),
			interval: m.Interval, detail: m.Detail, classify: m.Classifier, logger: m.Logger, fault: m.Validate(),
		}
		if s.name == "" {
			s.name = filepath.Base(os.Args[0])
		}
		if s.interval == 0 {
			s.interval = 30 * time.Second
		}
		if s.classify == nil {
			s.classify = transport.Classify
		}
		if s.logger == nil {
			s.logger = slog.Default()
		}
		var entries []*entry
		if s.fault == nil {
			for _, c := range slices.Concat(builtin(s.sources, s.thresholds), m.Checks) {
				entries = append(entries, newEntry(c, s.interval))
			}
			for _, sink := range s.alerts.Sinks {
				m.sinks.add(sink)
			}
		}
		m.entries.Store(&entries)
	})
	return &m.set
}

// Add adds a check, which is run at once if the Monitor runs. Until its first
// run ended it counts for nothing. Add returns an error if the check is not
// valid or if its name is taken.
func (m *Monitor) Add(c Check) error {
	s := m.freeze()
	if err := c.validate(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	old := *m.entries.Load()
	if find(old, c.Name) != nil {
		return fmt.Errorf("healthz: there is a check %q already", c.Name)
	}
	e := newEntry(c, s.interval)
	entries := append(slices.Clip(old), e)
	m.entries.Store(&entries)
	if r := m.running.Load(); r != nil {
		r.watch(e)
	}
	return nil
}

// Remove removes a check, and says whether there was one. A run that is under
// way is canceled.
func (m *Monitor) Remove(name string) bool {
	m.freeze()
	m.mu.Lock()
	defer m.mu.Unlock()
	old := *m.entries.Load()
	e := find(old, name)
	if e == nil {
		return false
	}
	entries := slices.DeleteFunc(slices.Clone(old), func(x *entry) bool { return x == e })
	m.entries.Store(&entries)
	e.gone()
	return true
}

// OnAlert adds sinks to those of Alerts.Sinks. They hear of what happens from
// now on.
func (m *Monitor) OnAlert(sinks ...Sink) {
	m.freeze()
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, sink := range sinks {
		q := m.sinks.add(sink)
		if r := m.running.Load(); r != nil {
			r.serve(q)
		}
	}
}

func find(entries []*entry, name string) *entry {
	for _, e := range entries {
		if e.check.Name == name {
			return e
		}
	}
	return nil
}

// category returns the word for an error.
func (s *settings) category(err error) string {
	var c transport.Category
	if answer, ok := errors.AsType[statusError](err); ok {
		c = s.classify(answer.req, answer.resp, nil).Category
	} else {
		c = s.classify(blank, nil, err).Category
	}
	if c == transport.OK { // an answer that is fine in general, but not here
		c = transport.BusinessLogic
	}
	return c.String()
}

// blank stands for the request where there is none: its context never ends, so
// that a cancel is not taken for the caller's own.
var blank = (&http.Request{Method: http.MethodGet, Header: http.Header{}}).WithContext(context.Background())
