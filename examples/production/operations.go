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
	once    bool // it must not be done twice
	do      func(context.Context) error
	instead []func(context.Context) error
}

// operations are ten, of which a program without the kit would do four.
func operations() []operation {
	return []operation{
		{"database", "load user", false, well, nil},
		{"database", "load orders", false, failing(2, driver.ErrBadConn), nil},
		{"database", "save order", true, well, nil},
		{"database", "monthly report", true, never, []func(context.Context) error{well}}, // last month's
		{"database", "load coupon", false, failing(9, sql.ErrNoRows), nil},
		{"search", "find products", false, down, []func(context.Context) error{well}}, // the bestsellers
		{"search", "find products", false, down, []func(context.Context) error{down, well}},
		{"search", "find products", false, down, nil},
		{"files", "read template", false, missing, nil},
		{"files", "read settings", false, garbled, nil},
	}
}

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
