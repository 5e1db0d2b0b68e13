// Retries shows an external API behind one client with two policies: ordinary
// data is asked for 3 times from 0.5 s apart, critical data 5 times from 1 s
// apart to at most 30 s.
//
//	go run ./examples/retries               # in real time: about 20 s
//	go run ./examples/retries -scale 0.05   # twenty times as fast
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"time"

	"github.com/safetrip-go/safetrip"
	"github.com/safetrip-go/safetrip/transport"
)

func main() {
	scale := flag.Float64("scale", 1, "what all delays are multiplied by")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, *scale, os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "retries:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, scale float64, out io.Writer) error {
	if !(scale >= 0.001 && scale <= 1) { // nor is it NaN
		return fmt.Errorf("-scale is %v; it must be from 0.001 to 1", scale)
	}
	up, err := newUpstream(ctx)
	if err != nil {
		return err
	}
	defer up.close()
	agent, err := safetrip.New("retries", config(scale, logger(out)))
	if err != nil {
		return err
	}
	defer agent.Close()

	fmt.Fprintf(out, "get_data: 3 attempts, 0.5 s and doubling; get_critical_data: 5 attempts, 1 s to 30 s; all times ×%g\n", scale)
	api := externalAPI{
		data:     agent.Service("data").Client(),
		critical: agent.Service("critical").Client(),
		url:      up.URL,
	}
	for _, c := range []struct {
		title   string
		answers []int // of the service, attempt by attempt
		get     func(context.Context) (string, error)
	}{
		{"get_data, which fails twice", []int{503, 503, 200}, api.getData},
		{"get_data, which fails each time", []int{503}, api.getData},
		{"get_data, which the service cannot do", []int{501}, api.getData},
		{"get_critical_data, which fails four times", []int{503, 500, 502, 503, 200}, api.getCriticalData},
	} {
		fmt.Fprintf(out, "\n%s\n", c.title)
		up.play(c.answers)
		if err := tell(ctx, out, c.get); err != nil {
			return err
		}
	}
	return nil
}

// config has the two policies. Circuits, the ladder and the budget are left
// out, so that nothing but retries is seen; and the jitter, so that the waits
// are those that one reads of.
func config(scale float64, log *slog.Logger) safetrip.Config {
	times := func(d time.Duration) time.Duration { return time.Duration(float64(d) * scale) }
	policy := func(attempts int, base, limit time.Duration) safetrip.Config {
		return safetrip.Config{
			Retry: transport.Retry{
				MaxAttempts: attempts,
				BaseDelay:   times(base),
				MaxDelay:    times(limit),
				Jitter:      transport.NoJitter,
				Budget:      &transport.Budget{Ratio: -1},
			},
			Disable: safetrip.Breaker | safetrip.Fallback,
		}
	}
	return safetrip.Config{
		Logger: log,
		Services: map[string]safetrip.Config{
			"data":     policy(3, 500*time.Millisecond, 30*time.Second),
			"critical": policy(5, time.Second, 30*time.Second),
		},
	}
}
