package main

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"runtime"
	"strconv"
	"syscall"
	"time"

	"github.com/safetrip-go/safetrip"
	"github.com/safetrip-go/safetrip/transport"
)

// A failure is one thing that goes wrong, and how to make it.
type failure struct {
	name    string
	provoke provocation
}

// A provocation makes a failure and returns the verdict on it, or false if
// nothing went wrong.
type provocation func(context.Context) (transport.Verdict, bool)

func cases(agent *safetrip.Agent, up *upstream) []failure {
	client := agent.Client()
	get := func(name, url string) failure { return failure{name, call(client, http.MethodGet, url)} }
	status := func(code int) failure {
		return get(fmt.Sprintf("%d %s", code, http.StatusText(code)), up.URL+"/status/"+strconv.Itoa(code))
	}
	work := func(name string, do func() error) failure { return failure{name, task(agent.Service("work"), do)} }

	return []failure{
		get("an unsupported scheme", "gopher://127.0.0.1"),
		status(400), status(413), status(422),
		work("JSON that is none", func() error { return json.Unmarshal([]byte("{"), new(any)) }),
		work("a number that is none", func() error { _, err := strconv.Atoi("x"); return err }),

		get("nobody listens", up.closed),
		get("the connection is reset", up.URL+"/raw/reset"),
		get("a certificate that nobody trusts", up.TLS),
		work("the database's connection is bad", func() error { return driver.ErrBadConn }),
		status(421),

		{"no answer within 200ms", call(agent.Service("silent").Client(), http.MethodGet, up.URL+"/silence")},
		{"the caller's own deadline", patience(client, up.URL+"/silence")},
		status(408), status(504),

		status(404), status(410),
		get("an answer that is not HTTP", up.URL+"/raw/garbage"),
		get("a body that was cut", up.URL+"/raw/cut"),
		{"the same, to a POST", call(client, http.MethodPost, up.URL+"/raw/cut")},
		work("no rows", func() error { return sql.ErrNoRows }),
		work("no such file", func() error { _, err := os.Stat("/no/such/file"); return err }),

		status(500), status(502), status(503), status(501), status(505),
		work("a fault of our own program", ourFault),
		work("no file descriptors are left", func() error { return syscall.EMFILE }),

		status(401), status(407),
		status(402), status(403), status(409),
		work("an error that nobody knows", func() error { return errors.New("insufficient funds") }),
		status(429), status(425),

		{"the circuit is open", twice(agent.Service("down").Client(), up.URL+"/status/503")},
		{"no place is free", crowd(agent.Service("full"))},
		{"the caller cancels", canceled(client, up.URL+"/silence")},
	}
}

// call makes an HTTP call.
func call(client *http.Client, method, url string) provocation {
	return func(ctx context.Context) (v transport.Verdict, ok bool) {
		req, err := http.NewRequestWithContext(ctx, method, url, nil)
		if err != nil {
			return v, false
		}
		resp, err := client.Do(req)
		if resp != nil {
			defer resp.Body.Close()
		}
		v = transport.Classify(req, resp, err)
		return v, v.Category != transport.OK
	}
}

// patience makes a call with a deadline of its own.
func patience(client *http.Client, url string) provocation {
	return func(ctx context.Context) (transport.Verdict, bool) {
		ctx, cancel := context.WithTimeout(ctx, 200*time.Millisecond)
		defer cancel()
		return call(client, http.MethodGet, url)(ctx)
	}
}

// canceled makes a call that is of no interest any more when it is under way.
func canceled(client *http.Client, url string) provocation {
	return func(ctx context.Context) (transport.Verdict, bool) {
		ctx, cancel := context.WithCancel(ctx)
		time.AfterFunc(200*time.Millisecond, cancel)
		return call(client, http.MethodGet, url)(ctx)
	}
}

// twice makes a call that opens the circuit, and one that meets it open.
func twice(client *http.Client, url string) provocation {
	return func(ctx context.Context) (transport.Verdict, bool) {
		call(client, http.MethodGet, url)(ctx)
		return call(client, http.MethodGet, url)(ctx)
	}
}

// task does work that is not HTTP.
func task(s *safetrip.Service, do func() error) provocation {
	return func(ctx context.Context) (transport.Verdict, bool) {
		err := s.Do(ctx, "work", func(context.Context) error { return do() })
		return transport.Classify(nil, nil, err), err != nil
	}
}

// crowd does work while the only place is taken.
func crowd(s *safetrip.Service) provocation {
	return func(ctx context.Context) (v transport.Verdict, ok bool) {
		err := s.Do(ctx, "first", func(ctx context.Context) error {
			v, ok = task(s, func() error { return nil })(ctx)
			return nil
		})
		return v, ok && err == nil
	}
}

// ourFault is a bug that somebody recovered from.
func ourFault() (err error) {
	defer func() {
		if fault, ok := recover().(runtime.Error); ok {
			err = fault
		}
	}()
	none := []int{}
	return fmt.Errorf("never: %d", none[len(os.Args)])
}
