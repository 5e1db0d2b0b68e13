package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net/url"
	"strings"
	"time"
)

// options are the program's flags, and the secrets that are none: a command
// line can be read by everybody on the machine.
type options struct {
	listen   string
	upstream *url.URL
	cache    string
	retries  int
	timeout  time.Duration
	admin    string
	redis    string
	keepHost bool
	secrets  []string // the first is in use, the others were
}

// What -cache may say.
const (
	cacheOff      = "off"      // a proxy and nothing else
	cacheFallback = "fallback" // every call goes out; what was stored stands in for a failure
	cacheFresh    = "fresh"    // what is fresh is served without asking, too
)

var errUsage = errors.New("usage")

// parse reads the flags. What it returns as an error was said on stderr.
func parse(args []string, secret string, stderr io.Writer) (options, error) {
	o := options{}
	var upstream string
	f := flag.NewFlagSet("gateway", flag.ContinueOnError)
	f.SetOutput(io.Discard)
	f.StringVar(&o.listen, "listen", "127.0.0.1:8080", "serve on this `address`")
	f.StringVar(&upstream, "upstream", "", "pass requests on to this `URL`")
	f.StringVar(&o.cache, "cache", cacheFallback, "`off`; fallback: stored answers stand in for failures; fresh: they also answer while they are fresh")
	f.IntVar(&o.retries, "retries", 0, "send again up to `N` times what failed and may be sent again")
	f.DurationVar(&o.timeout, "timeout", 10*time.Second, "wait this long for the header of an answer; 0 waits for ever")
	f.StringVar(&o.admin, "admin", "", "serve /healthz, /livez and /readyz on this `address`; none if empty")
	f.StringVar(&o.redis, "redis", "", "keep answers in the Redis at this `address`; GATEWAY_SECRET in the environment has the secret")
	f.BoolVar(&o.keepHost, "keep-host", false, "pass the client's Host on: the upstream serves several names, and answers are kept for each")
	err := f.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		f.SetOutput(stderr)
		fmt.Fprintln(stderr, "usage: go run ./examples/gateway -upstream URL [flags]")
		f.PrintDefaults()
		return o, err
	case err != nil:
	case f.NArg() > 0:
		err = fmt.Errorf("unexpected argument %q", f.Arg(0))
	default:
		o.upstream, err = parseUpstream(upstream)
	}
	if err == nil {
		err = o.takeSecrets(secret)
	}
	if err == nil {
		err = o.validate()
	}
	if err != nil {
		fmt.Fprintln(stderr, "gateway:", err)
		return o, errUsage
	}
	return o, nil
}

func parseUpstream(s string) (*url.URL, error) {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, errors.New("-upstream must be an http or https URL, such as http://127.0.0.1:9000")
	}
	return u, nil
}

// validate returns what is wrong with the first flag that is.
func (o *options) validate() error {
	switch {
	case o.cache != cacheOff && o.cache != cacheFallback && o.cache != cacheFresh:
		return errors.New("-cache must be off, fallback or fresh")
	case o.retries < 0 || o.retries > 10:
		return errors.New("-retries must be from 0 to 10")
	case o.timeout < 0 || o.timeout > time.Hour:
		return errors.New("-timeout must be from 0 to 1h")
	case o.redis != "" && o.cache == cacheOff:
		return errors.New("-redis has no use with -cache off")
	case o.redis != "" && len(o.secrets) == 0:
		return errors.New("-redis needs GATEWAY_SECRET in the environment: 32 characters or more, the same for all who share the Redis")
	}
	return nil
}

// takeSecrets reads a list of secrets, the one in use first.
func (o *options) takeSecrets(list string) error {
	if list == "" {
		return nil
	}
	o.secrets = strings.Split(list, ",")
	if len(o.secrets) > 5 {
		return errors.New("GATEWAY_SECRET may have 5 secrets, separated by commas")
	}
	for _, s := range o.secrets {
		if len(s) < 32 {
			return errors.New("GATEWAY_SECRET must have 32 characters or more")
		}
	}
	return nil
}
