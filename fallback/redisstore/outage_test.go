package redisstore_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/safetrip-go/safetrip/fallback/redisstore"
	"github.com/safetrip-go/safetrip/internal/redistest"
	"github.com/safetrip-go/safetrip/transport"
)

// A load is many goroutines that use a Store all the time, and measure.
type load struct {
	stop context.CancelFunc
	wg   sync.WaitGroup

	calls, failed atomic.Int64
	slowest       atomic.Int64 // of the calls
	stalled       atomic.Int64 // by how much the machine was late to wake somebody
}

func startLoad(tb testing.TB, store *redisstore.Store) *load {
	ctx, stop := context.WithCancel(tb.Context())
	l := &load{stop: stop}
	tb.Cleanup(l.end)
	for i := range 16 {
		l.wg.Go(func() { l.use(ctx, store, fmt.Sprint("key", i)) })
	}
	l.wg.Go(func() { l.watch(ctx) })
	return l
}

func (l *load) use(ctx context.Context, store *redisstore.Store, key string) {
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for n := 0; ctx.Err() == nil; n++ {
		begin := time.Now()
		var err error
		if n%10 == 0 {
			err = store.Set(context.Background(), key, []byte(key), time.Hour)
		} else {
			var value []byte
			if value, err = store.Get(context.Background(), key); value != nil && string(value) != key {
				panic("a wrong value")
			}
		}
		longest(&l.slowest, time.Since(begin))
		l.calls.Add(1)
		if err != nil {
			l.failed.Add(1)
		}
		<-tick.C
	}
}

// watch measures how late a timer can be on this machine, now.
func (l *load) watch(ctx context.Context) {
	for ctx.Err() == nil {
		begin := time.Now()
		<-time.After(time.Millisecond)
		longest(&l.stalled, time.Since(begin)-time.Millisecond)
	}
}

func longest(of *atomic.Int64, d time.Duration) {
	for {
		old := of.Load()
		if int64(d) <= old || of.CompareAndSwap(old, int64(d)) {
			return
		}
	}
}

func (l *load) end() {
	l.stop()
	l.wg.Wait()
}

const timeout = 50 * time.Millisecond

// judge says whether no call took longer than it may, on a machine as it is.
func (l *load) judge(t *testing.T) {
	t.Helper()
	l.end()
	slowest, stalled := time.Duration(l.slowest.Load()), time.Duration(l.stalled.Load())
	t.Logf("%d calls, %d without an answer; the slowest took %v; timers were up to %v late", l.calls.Load(), l.failed.Load(), slowest, stalled)
	if most := timeout + 20*time.Millisecond + 3*stalled; slowest > most {
		t.Errorf("a call took %v; with a timeout of %v it may take %v", slowest, timeout, most)
	}
}

func TestARedisThatGoesAwaySlowsNobody(t *testing.T) {
	for _, outage := range []struct {
		how        string
		begin, end func(*redistest.Server)
		counted    func(redisstore.State) uint64
	}{
		{"killed", (*redistest.Server).Kill, (*redistest.Server).Restart, func(s redisstore.State) uint64 { return s.Failed }},
		{"stopped", (*redistest.Server).Stop, (*redistest.Server).Continue, func(s redisstore.State) uint64 { return s.TooLate }},
	} {
		t.Run(outage.how, func(t *testing.T) {
			server := redistest.Start(t)
			var changes sync.Map
			store, _ := open(t, server.Addr, redisstore.Config{
				Timeout: timeout, OpenFor: 100 * time.Millisecond, MaxOpenFor: 200 * time.Millisecond,
				OnChange: func(c transport.Change) { changes.Store(c.To, c.Key) },
			})
			l := startLoad(t, store)
			hits := func(more uint64) func() bool {
				from := store.State().Hits
				return func() bool { return store.State().Hits >= from+more }
			}
			if !eventually(t, 20*time.Second, hits(100)) {
				t.Fatalf("before it went away: %+v", store.State())
			}

			outage.begin(server)
			if !eventually(t, 20*time.Second, func() bool { return store.State().Refused > 500 }) {
				t.Fatalf("the circuit does not open: %+v", store.State())
			}
			s := store.State()
			if outage.counted(s) == 0 || s.Circuit.State == transport.Closed || s.Circuit.Rejected == 0 {
				t.Errorf("counted %+v", s)
			}

			outage.end(server)
			if !eventually(t, 20*time.Second, func() bool { return store.State().Circuit.State == transport.Closed }) {
				t.Fatalf("the circuit does not close: %+v", store.State())
			}
			if !eventually(t, 20*time.Second, hits(100)) {
				t.Errorf("after it came back: %+v", store.State())
			}
			l.judge(t)
			for _, to := range []transport.State{transport.Open, transport.HalfOpen, transport.Closed} {
				if key, ok := changes.Load(to); !ok || key != "redis://"+server.Addr {
					t.Errorf("OnChange was not told of %v: %v", to, key)
				}
			}
		})
	}
}

func TestAnOpenCircuitCostsNothing(t *testing.T) {
	server := redistest.Start(t)
	store, _ := open(t, server.Addr, redisstore.Config{Timeout: timeout, OpenFor: time.Hour})
	server.Stop()
	for store.State().Circuit.State == transport.Closed {
		_, _ = store.Get(t.Context(), "k") // what it says is in the other tests
	}
	if n := testing.AllocsPerRun(1000, func() {
		if _, err := store.Get(t.Context(), "k"); !errors.Is(err, redisstore.ErrCircuitOpen) {
			t.Errorf("got %v", err)
		}
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

// These answer in Redis' place.
func TestWhatIsNoRedisIsAMiss(t *testing.T) {
	t.Parallel()
	reply := func(s string) func(net.Conn) {
		return func(conn net.Conn) {
			for lines := bufio.NewReader(conn); ; {
				if _, err := lines.ReadString('\n'); err != nil {
					return
				}
				if _, err := io.WriteString(conn, s); err != nil {
					return
				}
			}
		}
	}
	for does, handle := range map[string]func(net.Conn){
		"hangs":                           func(conn net.Conn) { io.Copy(io.Discard, conn) },
		"hangs up":                        func(net.Conn) {},
		"is a web server":                 reply("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"),
		"answers OK to all":               reply("+OK\r\n"),
		"answers with noise":              reply("\x00\xff\x00\xff\r\n"),
		"announces more than memory has":  reply("$9223372036854775807\r\n"),
		"announces gigabytes":             reply("$4000000000\r\n"),
		"announces less than nothing":     reply("$-7\r\n"),
		"announces a list without an end": reply("*2147483647\r\n"),
		"nests lists without an end":      reply(strings.Repeat("*1\r\n", 1000)),
		"sends a line without an end":     reply(strings.Repeat("+", 1<<16)),
		"wants a password":                reply("-NOAUTH Authentication required.\r\n"),
		"is loading":                      reply("-LOADING Redis is loading the dataset in memory\r\n"),
		"sends its answer byte by byte": func(conn net.Conn) {
			for tick := time.NewTicker(20 * time.Millisecond); ; <-tick.C {
				if _, err := io.WriteString(conn, "+"); err != nil {
					return
				}
			}
		},
	} {
		t.Run(does, func(t *testing.T) {
			t.Parallel()
			store, _ := open(t, serve(t, handle), redisstore.Config{Timeout: 500 * time.Millisecond, FailureThreshold: 3, OpenFor: time.Hour})
			for range 4 {
				begin := time.Now()
				if got, err := store.Get(t.Context(), "k"); got != nil || err == nil {
					t.Errorf("Get: %q, %v", got, err)
				}
				if took := time.Since(begin); took > 5*time.Second {
					t.Errorf("it took %v", took)
				}
			}
			s := store.State()
			if s.Failed+s.TooLate != 3 || s.Refused != 1 || s.Circuit.State != transport.Open {
				t.Errorf("counted %+v", s)
			}
		})
	}
}

// A dialer that does not keep to its context is what a driver's bug would be.
func TestADialerThatHangsSlowsNobody(t *testing.T) {
	t.Parallel()
	release := make(chan bool)
	store, err := redisstore.New(&redis.UniversalOptions{
		Dialer: func(context.Context, string, string) (net.Conn, error) {
			<-release
			return nil, errors.New("no")
		},
	}, redisstore.Config{Timeout: 10 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	defer close(release)
	for range 6 {
		if _, err := store.Get(t.Context(), "k"); err == nil {
			t.Error("there is an answer")
		}
	}
	if s := store.State(); s.TooLate != 5 || s.Refused != 1 {
		t.Errorf("counted %+v", s)
	}
}

// The callers of a Store may have less patience than it: a Cache asks twice
// within one StoreTimeout. Whether Redis is there is found out all the same.
func TestImpatientCallersDoNotHideARedisThatHangs(t *testing.T) {
	t.Parallel()
	store, _ := open(t, serve(t, func(conn net.Conn) { io.Copy(io.Discard, conn) }), redisstore.Config{Timeout: 100 * time.Millisecond, OpenFor: time.Hour})
	for range 5 {
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		if _, err := store.Get(ctx, "k"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		cancel()
	}
	if !eventually(t, 10*time.Second, func() bool { return store.State().Circuit.State == transport.Open }) || store.State().TooLate != 5 {
		t.Errorf("counted %+v", store.State())
	}
}
