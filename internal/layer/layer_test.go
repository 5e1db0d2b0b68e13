package layer

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
)

var errBroken = errors.New("broken")

// base returns whatever it is told, and counts.
type base struct {
	resp  *http.Response
	err   error
	idles int
}

func (b *base) RoundTrip(*http.Request) (*http.Response, error) { return b.resp, b.err }
func (b *base) CloseIdleConnections()                           { b.idles++ }

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// counted is a body that counts how often it is closed.
type counted struct {
	io.Reader
	closes int
}

func (c *counted) Close() error { c.closes++; return nil }

func TestSendReturnsOneOfTheTwo(t *testing.T) {
	for _, tt := range []struct {
		what   string
		resp   *http.Response
		err    error
		want   error
		closes int
	}{
		{"a response is a response", &http.Response{Body: new(counted)}, nil, nil, 0},
		{"an error is an error", nil, errBroken, errBroken, 0},
		{"of both, the error; the response's body is closed", &http.Response{Body: new(counted)}, errBroken, errBroken, 1},
		{"of both, though there is no body", &http.Response{}, errBroken, errBroken, 0},
		{"of neither, an error", nil, nil, ErrNoResponse, 0},
	} {
		t.Run(tt.what, func(t *testing.T) {
			resp, err := Layer{&base{resp: tt.resp, err: tt.err}}.Send(new(http.Request))
			if !errors.Is(err, tt.want) {
				t.Errorf("the error is %v, want %v", err, tt.want)
			}
			if (resp == nil) != (tt.want != nil) {
				t.Errorf("the response is %v beside the error %v", resp, err)
			}
			if tt.resp != nil && tt.resp.Body != nil {
				if n := tt.resp.Body.(*counted).closes; n != tt.closes {
					t.Errorf("its body was closed %d times, want %d", n, tt.closes)
				}
			}
		})
	}
}

func TestSendPassesTheRequestItself(t *testing.T) {
	req := new(http.Request)
	var got *http.Request
	_, _ = Layer{roundTrip(func(req *http.Request) (*http.Response, error) {
		got = req
		return nil, errBroken
	})}.Send(req)
	if got != req {
		t.Error("it passed another request")
	}
}

func TestCloseIdleConnectionsReachesTheBase(t *testing.T) {
	b := new(base)
	var outer http.RoundTripper = b
	for range 3 {
		outer = struct {
			http.RoundTripper
			Layer
		}{roundTrip(nil), Layer{outer}}
	}
	CloseIdle(outer)
	if b.idles != 1 {
		t.Errorf("it was called %d times, want once", b.idles)
	}
	CloseIdle(roundTrip(nil)) // has none
	Layer{}.CloseIdleConnections()
}

func TestCloseBody(t *testing.T) {
	body := &counted{Reader: strings.NewReader("text")}
	CloseBody(&http.Request{Body: body})
	CloseBody(&http.Request{})
	CloseBody(&http.Request{Body: http.NoBody})
	if body.closes != 1 {
		t.Errorf("the body was closed %d times", body.closes)
	}
}
