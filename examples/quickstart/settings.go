package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net/url"
	"time"

	"github.com/safetrip-go/safetrip"
)

// options are the program's flags.
type options struct {
	url         string
	calls       int
	concurrency int
	timeout     time.Duration
	seed        uint64
	serve       bool
}

var errUsage = errors.New("usage")

// parse reads the flags. What it returns as an error was said on stderr.
func parse(args []string, stderr io.Writer) (options, error) {
	var o options
	f := flag.NewFlagSet("quickstart", flag.ContinueOnError)
	f.SetOutput(io.Discard)
	f.StringVar(&o.url, "url", "", "call this `URL` of a service of yours, instead of the embedded one")
	f.IntVar(&o.calls, "calls", 450, "how many calls to make, bare and with the kit")
	f.IntVar(&o.concurrency, "concurrency", 32, "how many calls may be under way at once")
	f.DurationVar(&o.timeout, "timeout", 2*time.Second, "the client's patience with one call")
	f.Uint64Var(&o.seed, "seed", 1, "decides which calls meet which fault")
	f.BoolVar(&o.serve, "serve", false, "keep /healthz up after the run, until interrupted")
	err := f.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		f.SetOutput(stderr)
		fmt.Fprintln(stderr, "usage: go run ./examples/quickstart [flags]")
		f.PrintDefaults()
		return o, err
	case err != nil:
	case f.NArg() > 0:
		err = fmt.Errorf("unexpected argument %q", f.Arg(0))
	default:
		err = o.validate()
	}
	if err != nil {
		fmt.Fprintln(stderr, "quickstart:", err)
		return o, errUsage
	}
	return o, nil
}

// validate returns what is wrong with the first flag that is.
func (o options) validate() error {
	if o.url != "" {
		u, err := url.Parse(o.url)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			return errors.New("-url must be an http or https URL, such as http://127.0.0.1:9000/users/1")
		}
	}
	switch {
	case o.calls < 1 || o.calls > 100_000:
		return errors.New("-calls must be from 1 to 100000")
	case o.concurrency < 1 || o.concurrency > 1000:
		return errors.New("-concurrency must be from 1 to 1000")
	case o.timeout < 10*time.Millisecond || o.timeout > time.Minute:
		return errors.New("-timeout must be from 10ms to 1m")
	}
	return nil
}

// inWords says what [drill.Config] has set.
func inWords(c safetrip.Config) string {
	return fmt.Sprintf(`%d attempts %v to %v apart, %v for one, %v for all · circuit opens at %d
            failures, for %v and up to %v · budget off · small bodies read ahead ·
            then cache, then a made-up answer`,
		c.Retry.MaxAttempts, c.Retry.BaseDelay, c.Retry.MaxDelay, c.Timeout.Headers, c.Deadline.Total,
		c.Breaker.FailureThreshold, c.Breaker.OpenFor, c.Breaker.MaxOpenFor)
}
