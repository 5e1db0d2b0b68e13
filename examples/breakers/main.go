// Breakers shows a circuit per service: three services behind one agent, one of
// which goes down for a while. Its circuit opens, refuses, probes and closes
// again; the other two are not touched.
//
//	go run ./examples/breakers
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"time"

	"github.com/safetrip-go/safetrip"
	"github.com/safetrip-go/safetrip/transport"
)

// The story: calls every step for as long as it takes, and the payment service
// is down for a while in between.
const (
	step     = 50 * time.Millisecond
	length   = 3 * time.Second
	downFrom = 500 * time.Millisecond
	downTo   = 1700 * time.Millisecond
)

var services = []string{"user", "payment", "notification"}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "breakers:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer) error {
	up, err := newUpstream(ctx)
	if err != nil {
		return err
	}
	defer up.close()
	s := &screen{out: out, began: time.Now()}
	agent, err := safetrip.New("breakers", config(s.changed))
	if err != nil {
		return err
	}
	defer agent.Close()

	fmt.Fprintf(out, "payment is down from %v to %v; a circuit opens at 3 failures for 400ms, and closes at 2 good probes\n\n", downFrom, downTo)
	tick := time.NewTicker(step)
	defer tick.Stop()
	for s.since() < length {
		up.setDown(s.since() >= downFrom && s.since() < downTo)
		results := callAll(ctx, agent, up.URL)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		s.line(results)
		<-tick.C
	}
	s.summary(agent, up)
	return nil
}

// config has the three services, each with a circuit of its own. Retries and
// the ladder are left out, so that one call is one attempt.
func config(changed func(transport.Change)) safetrip.Config {
	cfg := safetrip.Config{
		Logger:   slog.New(slog.DiscardHandler),
		Services: make(map[string]safetrip.Config),
	}
	for _, name := range services {
		cfg.Services[name] = safetrip.Config{
			Breaker: &transport.Breaker{
				FailureThreshold: 3,
				OpenFor:          400 * time.Millisecond,
				Successes:        2,
				OnChange:         changed,
			},
			Disable: safetrip.Retry | safetrip.Fallback,
		}
	}
	return cfg
}

// callAll calls each service once, and says how that went.
func callAll(ctx context.Context, agent *safetrip.Agent, url string) string {
	var results []string
	for _, name := range services {
		results = append(results, name+" "+call(ctx, agent.Service(name).Client(), url+"/"+name))
	}
	return strings.Join(results, "   ")
}

// call says in a word how a call went.
func call(ctx context.Context, client *http.Client, url string) string {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err.Error()
	}
	resp, err := client.Do(req)
	switch {
	case errors.Is(err, transport.ErrCircuitOpen):
		return "refused"
	case err != nil:
		return "lost"
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return "failed"
	}
	return "ok"
}
