package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"time"
)

// options are the program's flags.
type options struct {
	db        string
	gateway   string
	serve     string
	file      string
	verify    bool
	anchor    anchor
	reconcile bool
	workers   int
	patience  patience
	seed      uint64
}

var errUsage = errors.New("usage")

// parse reads the flags. What it returns as an error was said on stderr.
func parse(args []string, stderr io.Writer) (o options, err error) {
	var anchored string
	f := flag.NewFlagSet("payments", flag.ContinueOnError)
	f.SetOutput(io.Discard)
	f.StringVar(&o.serve, "serve", "", "take transactions over HTTP at this `address`, such as 127.0.0.1:8080")
	f.StringVar(&o.file, "file", "", "take the transactions of this `file`, one a line, and end when they are sent")
	f.BoolVar(&o.verify, "verify", false, "check the audit log, say where it breaks, and end")
	f.StringVar(&anchored, "anchor", "", "with -verify: a `NUMBER:HASH` that it printed earlier")
	f.BoolVar(&o.reconcile, "reconcile", false, "compare with the gateway's settlement report, and end")
	f.StringVar(&o.db, "db", "payments.db", "the database `file`")
	f.StringVar(&o.gateway, "gateway", "http://127.0.0.1:8081", "the payment gateway's `URL`")
	f.IntVar(&o.workers, "workers", 8, "how many transactions may be under way at once")
	f.DurationVar(&o.patience.attempt, "attempt", 5*time.Second, "patience with one attempt")
	f.DurationVar(&o.patience.call, "call", 30*time.Second, "patience with all attempts of a call")
	f.DurationVar(&o.patience.backoff, "backoff", 250*time.Millisecond, "the wait before the second attempt, doubled before each further one")
	f.DurationVar(&o.patience.openFor, "open", 10*time.Second, "how long a circuit stays open at first")
	f.Uint64Var(&o.seed, "seed", 1, "of the demonstration: which faults are met")
	err = f.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		f.SetOutput(stderr)
		fmt.Fprintln(stderr, "usage: go run ./examples/payments [flags]\n\nWithout -serve, -file, -verify and -reconcile it is a demonstration.")
		f.PrintDefaults()
		return o, err
	case err != nil:
	case f.NArg() > 0:
		err = fmt.Errorf("unexpected argument %q", f.Arg(0))
	default:
		var bad error
		o.anchor, bad = parseAnchor(anchored)
		err = errors.Join(bad, o.validate())
	}
	if err != nil {
		fmt.Fprintln(stderr, "payments:", err)
		return o, errUsage
	}
	return o, nil
}

// validate returns all that is wrong with the flags.
func (o options) validate() error {
	errs := []error{checkURL(o.gateway)}
	modes := 0
	for _, on := range []bool{o.serve != "", o.file != "", o.verify, o.reconcile} {
		if on {
			modes++
		}
	}
	if modes > 1 {
		errs = append(errs, errors.New("only one of -serve, -file, -verify and -reconcile"))
	}
	if o.anchor.seq > 0 && !o.verify {
		errs = append(errs, errors.New("-anchor goes with -verify"))
	}
	if o.workers < 1 || o.workers > 1000 {
		errs = append(errs, errors.New("-workers must be from 1 to 1000"))
	}
	p := o.patience
	if min(p.attempt, p.call, p.backoff, p.openFor) < time.Millisecond || p.call > time.Hour {
		errs = append(errs, errors.New("-attempt, -call, -backoff and -open must be from 1ms to 1h"))
	}
	return errors.Join(errs...)
}
