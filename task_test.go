package safetrip_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/safetrip-go/safetrip"
	"github.com/safetrip-go/safetrip/transport"
)

// poor is an error that is no fault of the service, and says so.
type poor struct{}

func (poor) Error() string { return "insufficient funds" }

func (poor) Verdict() transport.Verdict {
	return transport.Verdict{Category: transport.BusinessLogic, Severity: transport.Low, Sent: transport.Answered}
}

func TestVerdictsOfWork(t *testing.T) {
	syntax := json.Unmarshal([]byte("{"), new(int))
	_, number := strconv.Atoi("x")
	_, missing := os.Open("no such file")
	for _, tt := range []struct {
		name     string
		err      error
		category transport.Category
		again    bool // it is tried again
		counts   bool // against the service
		fallback bool // and a fallback does it
	}{
		{"no rows", sql.ErrNoRows, transport.Data, false, false, false},
		{"no rows, said by a program", fmt.Errorf("user 7: %w", sql.ErrNoRows), transport.Data, false, false, false},
		{"no file", missing, transport.Data, false, false, false},
		{"what does not exist", fs.ErrNotExist, transport.Data, false, false, false},
		{"a lost connection", driver.ErrBadConn, transport.Network, true, true, true},
		{"one lost among others", errors.Join(errors.New("x"), fmt.Errorf("y: %w", driver.ErrBadConn)), transport.Network, true, true, true},
		{"a refused one", &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}, transport.Network, true, true, true},
		{"one that ended", io.EOF, transport.Network, true, true, true},
		{"what is no JSON", syntax, transport.Validation, false, false, false},
		{"what is no number", number, transport.Validation, false, false, false},
		{"a timeout of its own", context.DeadlineExceeded, transport.TimedOut, true, true, true},
		{"a cancel of its own", context.Canceled, transport.Canceled, false, false, false},
		{"what says itself what it is", fmt.Errorf("order 7: %w", poor{}), transport.BusinessLogic, false, false, false},
		{"what nobody knows", errors.New("x"), transport.BusinessLogic, false, true, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inBubble(t, withDB(safetrip.Config{}), func(t *testing.T, agent *safetrip.Agent) {
				db := agent.Service("db")
				ctx, trip := transport.NewTrip(t.Context())
				err := db.Do(ctx, "x", func(context.Context) error { return tt.err })
				if !errors.Is(err, tt.err) {
					t.Errorf("the error is %v", err)
				}
				if v := trip.Attempts()[0].Verdict; v.Category != tt.category {
					t.Errorf("it is %v; want %v", v.Category, tt.category)
				}
				if n := len(trip.Attempts()); n > 1 != tt.again {
					t.Errorf("%d attempts", n)
				}
				if f := agent.Report().Circuits[0].Failures; f > 0 != tt.counts {
					t.Errorf("the circuit counts %d failures", f)
				}
				fell := false
				db.Do(transport.WithoutRetry(t.Context()), "x", func(context.Context) error { return tt.err }, func(context.Context) error { fell = true; return nil })
				if fell != tt.fallback {
					t.Errorf("a fallback was done: %v", fell)
				}
			})
		})
	}
}

func TestTheTripOfWork(t *testing.T) {
	inBubble(t, withDB(safetrip.Config{Breaker: &transport.Breaker{FailureThreshold: 2}}), func(t *testing.T, agent *safetrip.Agent) {
		for _, tt := range []struct {
			name   string
			work   []error
			want   []error // of the attempts
			found  transport.State
			gaveUp transport.Reason
			level  transport.Level
		}{
			{"goes well", nil, []error{nil}, transport.Closed, "", transport.Full},
			{"fails once", []error{driver.ErrBadConn}, []error{driver.ErrBadConn, nil}, transport.Closed, "", transport.Full},
			{
				"opens the circuit", []error{driver.ErrBadConn, driver.ErrBadConn}, []error{driver.ErrBadConn, driver.ErrBadConn, transport.ErrCircuitOpen},
				transport.Open, transport.ReasonVerdict, transport.Degraded,
			},
			{"finds it open", nil, []error{transport.ErrCircuitOpen}, transport.Open, transport.ReasonVerdict, transport.Degraded},
		} {
			ctx, trip := transport.NewTrip(t.Context())
			if err := agent.Service("db").Do(ctx, "x", failing(tt.work...), failing()); err != nil {
				t.Errorf("%s: %v", tt.name, err)
			}
			if got, want := trip.Circuit(), (transport.CircuitRef{Key: "db", State: tt.found}); got != want {
				t.Errorf("%s: the circuit is %v, want %v", tt.name, got, want)
			}
			if got := trip.GaveUp(); got != tt.gaveUp {
				t.Errorf("%s: gave up for %q, want %q", tt.name, got, tt.gaveUp)
			}
			if got := trip.Answer().Level; got != tt.level {
				t.Errorf("%s: the level is %v, want %v", tt.name, got, tt.level)
			}
			attempts := trip.Attempts()
			if len(attempts) != len(tt.want) {
				t.Errorf("%s: there are %d attempts, want %d", tt.name, len(attempts), len(tt.want))
				continue
			}
			for i, a := range attempts {
				if !errors.Is(a.Err, tt.want[i]) {
					t.Errorf("%s: attempt %d ended with %v, want %v", tt.name, i+1, a.Err, tt.want[i])
				}
			}
		}
	})
}

func TestNoWorkPanicsAtOnce(t *testing.T) {
	well := failing()
	for _, tt := range []struct {
		name      string
		work      func(context.Context) error
		fallbacks []func(context.Context) error
		want      string
	}{
		{"no work", nil, nil, "safetrip: Service.Do: the work is nil"},
		{"a fallback that is none, though it is not needed", well, []func(context.Context) error{well, nil}, "safetrip: Service.Do: fallback 2 is nil"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			agent := newAgent(t, withDB(safetrip.Config{}))
			defer func() {
				if got := recover(); got != tt.want {
					t.Errorf("it panics with %v; want %v", got, tt.want)
				}
				if n := agent.Report().Performance.Total; n != 0 {
					t.Errorf("%d calls are counted; none was made", n)
				}
			}()
			agent.Service("db").Do(t.Context(), "x", tt.work, tt.fallbacks...)
		})
	}
}

func TestTheOperationOfWork(t *testing.T) {
	for _, tt := range []struct{ name, outer, operation, want string }{
		{"its own", "outer", "load user", "load user"},
		{"that of the context, if it has none", "outer", "", "outer"},
		{"the service's name, if nothing has any", "", "", "db"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			agent := newAgent(t, withDB(safetrip.Config{}))
			ctx := t.Context()
			if tt.outer != "" {
				ctx = transport.WithOperation(ctx, tt.outer)
			}
			agent.Service("db").Do(ctx, tt.operation, func(ctx context.Context) error {
				if got := transport.OperationOf(ctx); got != tt.want {
					t.Errorf("it is %q; want %q", got, tt.want)
				}
				return nil
			})
		})
	}
}

func TestOneCallIsTreatedOtherwiseThroughItsContext(t *testing.T) {
	plain := func(ctx context.Context) (context.Context, context.CancelFunc) { return ctx, func() {} }
	for _, tt := range []struct {
		name     string
		with     func(context.Context) (context.Context, context.CancelFunc)
		attempts int
		gaveUp   transport.Reason
	}{
		{"as the service is", plain, 3, transport.ReasonAttempts},
		{"once", func(ctx context.Context) (context.Context, context.CancelFunc) {
			return transport.WithoutRetry(ctx), func() {}
		}, 1, transport.ReasonOff},
		{"in less time than a wait takes, which is not begun", func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithTimeout(ctx, 400*time.Millisecond)
		}, 1, transport.ReasonDeadline},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inBubble(t, withDB(safetrip.Config{}), func(t *testing.T, agent *safetrip.Agent) {
				began := time.Now()
				ctx, trip := transport.NewTrip(t.Context())
				ctx, cancel := tt.with(ctx)
				defer cancel()
				var left time.Duration
				if err := agent.Service("db").Do(ctx, "x", failing(driver.ErrBadConn, driver.ErrBadConn, driver.ErrBadConn), func(ctx context.Context) error {
					if end, ok := ctx.Deadline(); ok {
						left = time.Until(end)
					}
					return ctx.Err()
				}); err != nil {
					t.Errorf("the fallback did not do it: %v", err)
				}
				if n := len(trip.Attempts()); n != tt.attempts || trip.GaveUp() != tt.gaveUp {
					t.Errorf("%d attempts, and gave up for %q; want %d and %q", n, trip.GaveUp(), tt.attempts, tt.gaveUp)
				}
				if tt.gaveUp == transport.ReasonDeadline && (time.Since(began) > 0 || left != 400*time.Millisecond) {
					t.Errorf("after %v the fallback had %v; want all of the time", time.Since(began), left)
				}
			})
		})
	}
}

func TestTheContextOfWorkEndsWithIt(t *testing.T) {
	agent := newAgent(t, withDB(safetrip.Config{}))
	over := make(chan struct{})
	if err := agent.Service("db").Do(t.Context(), "x", func(ctx context.Context) error {
		context.AfterFunc(ctx, func() { close(over) })
		return ctx.Err()
	}); err != nil {
		t.Fatal(err)
	}
	<-over
}

func TestACallerWhoGoesEndsWork(t *testing.T) {
	gone := errors.New("the user left")
	lost := func(context.Context) error { return driver.ErrBadConn }
	for _, tt := range []struct {
		name string
		do   func(ctx context.Context, db *safetrip.Service, leave func(), fallback func(context.Context) error) error
	}{
		{"while it is done", func(ctx context.Context, db *safetrip.Service, leave func(), fallback func(context.Context) error) error {
			return db.Do(ctx, "x", func(ctx context.Context) error { leave(); return context.Cause(ctx) }, fallback)
		}},
		{"while it waits to be done again", func(ctx context.Context, db *safetrip.Service, leave func(), fallback func(context.Context) error) error {
			time.AfterFunc(100*time.Millisecond, leave)
			return db.Do(ctx, "x", lost, fallback)
		}},
		{"in a fallback, so that the next is not tried", func(ctx context.Context, db *safetrip.Service, leave func(), fallback func(context.Context) error) error {
			return db.Do(transport.WithoutRetry(ctx), "x", lost, func(ctx context.Context) error { leave(); return context.Cause(ctx) }, fallback)
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inBubble(t, withDB(safetrip.Config{}), func(t *testing.T, agent *safetrip.Agent) {
				ctx, cancel := context.WithCancelCause(t.Context())
				defer cancel(nil)
				began := time.Now()
				err := tt.do(ctx, agent.Service("db"), func() { cancel(gone) }, func(context.Context) error {
					t.Error("a fallback is done for nobody")
					return nil
				})
				if !errors.Is(err, gone) {
					t.Errorf("the error is %v; want why the context ended", err)
				}
				if took := time.Since(began); took > 100*time.Millisecond {
					t.Errorf("it ended after %v", took)
				}
			})
		})
	}
}

func TestAPanicInAFallbackLeavesNothingHeld(t *testing.T) {
	inBubble(t, withDB(safetrip.Config{Limit: transport.Limit{Concurrency: 1, Queue: -1}}), func(t *testing.T, agent *safetrip.Agent) {
		db := agent.Service("db")
		func() {
			defer func() {
				if r := recover(); r != "oh" {
					t.Errorf("recovered %v", r)
				}
			}()
			db.Do(transport.WithoutRetry(t.Context()), "x", failing(driver.ErrBadConn), func(context.Context) error { panic("oh") })
		}()
		if err := db.Do(t.Context(), "x", failing()); err != nil {
			t.Errorf("after the panic there is no place: %v", err)
		}
		if n := agent.Report().Performance.InFlight; n != 0 {
			t.Errorf("%d in flight", n)
		}
	})
}

func TestTriesOfWorkInWorkDoNotMultiply(t *testing.T) {
	inBubble(t, withDB(safetrip.Config{}), func(t *testing.T, agent *safetrip.Agent) {
		db, done := agent.Service("db"), 0
		inner := func(ctx context.Context) error {
			return db.Do(ctx, "inner", func(context.Context) error { done++; return driver.ErrBadConn })
		}
		if err := db.Do(t.Context(), "outer", inner); !errors.Is(err, driver.ErrBadConn) || done != 3 {
			t.Errorf("it was done %d times, and ended with %v; want three", done, err)
		}
	})
}

func TestOperationsThatNeverEndAreBounded(t *testing.T) {
	agent := newAgent(t, withDB(safetrip.Config{Disable: safetrip.Breaker}))
	db := agent.Service("db")
	for i := range 10_000 {
		db.Do(t.Context(), "load user "+strconv.Itoa(i), failing(errors.New("x")))
	}
	r := agent.Report()
	if r.Performance.Total != 10_000 || len(r.Consecutive) > 1000 {
		t.Errorf("of %d calls %d operations are kept", r.Performance.Total, len(r.Consecutive))
	}
}
