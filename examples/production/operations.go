package main

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"net"
	"os"
	"syscall"
)

// An operation is something that the program does.
type operation struct {
	service string
	name    string
	do      func(context.Context) error
	once    bool                          // it must not be done twice
	instead []func(context.Context) error // other ways, in this order
}

// operations are ten, of which a program without the kit would do two.
func operations() []operation {
	return []operation{
		{service: "database", name: "load user", do: well},
		{service: "database", name: "load orders", do: failing(2, driver.ErrBadConn)},
		{service: "database", name: "save order", do: well, once: true},
		{service: "database", name: "monthly report", do: never, once: true, instead: ways(well)}, // last month's
		{service: "database", name: "load coupon", do: failing(9, sql.ErrNoRows)},
		{service: "search", name: "find products", do: down, instead: ways(well)}, // the bestsellers
		{service: "search", name: "find products", do: down, instead: ways(down, well)},
		{service: "search", name: "find products", do: down},
		{service: "files", name: "read template", do: missing},
		{service: "files", name: "read settings", do: garbled},
	}
}

func ways(all ...func(context.Context) error) []func(context.Context) error { return all }

func well(context.Context) error { return nil }

// never ends by itself.
func never(ctx context.Context) error {
	<-ctx.Done()
	return context.Cause(ctx)
}

// down is what a client says whose server does not listen.
func down(context.Context) error {
	return &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
}

func missing(context.Context) error {
	_, err := os.ReadFile("/no/such/template")
	return err
}

func garbled(context.Context) error { return json.Unmarshal([]byte("{"), new(any)) }

// failing fails n times, and then does not.
func failing(n int, err error) func(context.Context) error {
	return func(context.Context) error {
		if n--; n >= 0 {
			return err
		}
		return nil
	}
}
