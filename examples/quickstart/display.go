package main

import (
	"fmt"
	"io"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/safetrip-go/safetrip/transport"
)

// A display writes what a person sees.
type display struct{ out io.Writer }

func (d display) settings(o options, up *upstream) {
	service := o.url
	if up != nil {
		service = fmt.Sprintf("a user directory on %s; %.0f %% of calls meet a 503, a reset, silence or a cut body;\n            from %v on it is down for %v",
			up.URL, 100*faultShare, outageFrom, outageFor)
	}
	fmt.Fprintf(d.out, "service     %s\n", service)
	fmt.Fprintf(d.out, "load        %d calls in %v, at most %d at once, seed %d; the client waits %v\n", o.calls, o.lasts(), o.concurrency, o.seed, o.timeout)
	fmt.Fprintf(d.out, "the kit     %s\n\n", fmt.Sprintf(settingsText, o.timeout/8, o.timeout*3/4))
}

// progress returns a function that draws the calls as they end: a line for
// each ninth of them.
func (d display) progress(name string, calls int) func(end) {
	const width = 50
	var done, lost, began = 0, 0, time.Now()
	line := max(1, (calls+8)/9)
	bar := make([]byte, 0, line)
	return func(e end) {
		done++
		mark := byte('.')
		switch {
		case !e.answered:
			lost++
			mark = 'x'
		case e.source == transport.SourceCache:
			mark = 'c'
		case e.source == transport.SourceStatic:
			mark = 's'
		case e.attempts > 1:
			mark = 'r'
		}
		if len(bar) < width {
			bar = append(bar, mark)
		}
		if done%line == 0 || done == calls {
			fmt.Fprintf(d.out, "%-13s %4.1fs  %-*s  %d lost\n", name, time.Since(began).Seconds(), width, bar, lost)
			bar, lost = bar[:0], 0
		}
	}
}

func (d display) table(bare, kit summary, seenBare, seenKit int, t *timeline) {
	fmt.Fprint(d.out, "\n. answered   r after a retry   c from the cache   s made up   x lost\n\n")
	w := tabwriter.NewWriter(d.out, 0, 0, 3, ' ', 0)
	row := func(name string, values ...any) {
		fmt.Fprint(w, name)
		for _, v := range values {
			fmt.Fprintf(w, "\t%v", v)
		}
		fmt.Fprintln(w)
	}
	row("", "bare", "with the kit")
	row("calls", bare.calls, kit.calls)
	row("answered", bare.answered, kit.answered)
	row("success rate", bare.rate(), kit.rate())
	row("  whole, from the service", bare.sources[transport.SourceOrigin], kit.sources[transport.SourceOrigin])
	row("  from the cache", bare.sources[transport.SourceCache], kit.sources[transport.SourceCache])
	row("  made up", bare.sources[transport.SourceStatic], kit.sources[transport.SourceStatic])
	row("not answered", most(bare.failures), most(kit.failures))
	row("attempts", bare.attempts, kit.attempts)
	row("  of them retries", 0, kit.retries)
	row("p50", rounded(bare.p50), rounded(kit.p50))
	row("p99", rounded(bare.p99), rounded(kit.p99))
	if seenBare+seenKit > 0 {
		row("requests the service saw", seenBare, seenKit)
	}
	w.Flush()
	t.print(d.out)
}

func rounded(d time.Duration) time.Duration {
	if d < 10*time.Millisecond {
		return d.Round(10 * time.Microsecond)
	}
	return d.Round(time.Millisecond)
}

// A timeline is what the circuit did, and when.
type timeline struct {
	mu      sync.Mutex // guards the rest
	began   time.Time
	changes []transport.Change
}

func newTimeline() *timeline { return &timeline{began: time.Now()} }

func (t *timeline) start() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.began, t.changes = time.Now(), nil
}

func (t *timeline) add(c transport.Change) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.changes = append(t.changes, c)
}

func (t *timeline) print(out io.Writer) {
	t.mu.Lock()
	defer t.mu.Unlock()
	fmt.Fprintln(out, "\nthe circuit")
	if len(t.changes) == 0 {
		fmt.Fprintln(out, "  stayed closed")
	}
	for _, c := range t.changes {
		fmt.Fprintf(out, "  %4.1fs  %v → %v", c.Time.Sub(t.began).Seconds(), c.From, c.To)
		if c.To == transport.Open {
			fmt.Fprintf(out, " for %v", c.OpenFor.Round(time.Millisecond))
		}
		fmt.Fprintln(out)
	}
}
