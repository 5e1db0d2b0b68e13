package main

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/safetrip-go/safetrip"
	"github.com/safetrip-go/safetrip/examples/internal/drill"
	"github.com/safetrip-go/safetrip/transport"
)

// A display writes what a person sees.
type display struct{ out io.Writer }

// settings says what will happen, before it does.
func (d display) settings(o options, cfg safetrip.Config, up *drill.Upstream) {
	service := o.url
	if up != nil {
		service = fmt.Sprintf("a user directory on %s; %.0f %% of calls meet a 503, a reset, silence or a cut body;\n            from %v on it is down for %v",
			up.URL, 100*drill.FaultShare, drill.OutageFrom, drill.OutageFor)
	}
	fmt.Fprintf(d.out, "service     %s\n", service)
	fmt.Fprintf(d.out, "load        %d calls in %v, at most %d at once, seed %d; the client waits %v\n", o.calls, o.lasts(), o.concurrency, o.seed, o.timeout)
	fmt.Fprintf(d.out, "the kit     %s\n\n", inWords(cfg))
}

// progress returns a function that draws the calls as they end: a line for
// each ninth of them.
func (d display) progress(name string, calls int) func(drill.End) {
	const width = 50
	var done, lost, began = 0, 0, time.Now()
	line := max(1, (calls+8)/9)
	bar := make([]byte, 0, line)
	return func(e drill.End) {
		done++
		mark := byte('.')
		switch {
		case !e.Answered:
			lost++
			mark = 'x'
		case e.Source == transport.SourceCache:
			mark = 'c'
		case e.Source == transport.SourceStatic:
			mark = 's'
		case e.Attempts > 1:
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

// table compares the two runs.
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

// rounded returns d with no more digits than mean something.
func rounded(d time.Duration) time.Duration {
	if d < 10*time.Millisecond {
		return d.Round(10 * time.Microsecond)
	}
	return d.Round(time.Millisecond)
}
