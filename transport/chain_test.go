package transport

import (
	"net/http"
	"slices"
	"testing"
	"time"
)

// tag is a wrapper that notes when a call goes in and comes out.
func tag(name string, notes *[]string) Middleware {
	return func(next http.RoundTripper) http.RoundTripper {
		return Func(func(req *http.Request) (*http.Response, error) {
			*notes = append(*notes, name)
			defer func() { *notes = append(*notes, "/"+name) }()
			return next.RoundTrip(req)
		})
	}
}

func TestChainTheFirstIsTheOutermost(t *testing.T) {
	var notes []string
	send(t, Chain(script(200), tag("a", &notes), nil, tag("b", &notes)), get(t, "http://a.test"))
	if want := []string{"a", "b", "/b", "/a"}; !slices.Equal(notes, want) {
		t.Errorf("the order is %v, want %v", notes, want)
	}
}

func TestChainWithoutABaseHasTheDefaultOne(t *testing.T) {
	saved := http.DefaultTransport
	defer func() { http.DefaultTransport = saved }()
	base := script(200)
	http.DefaultTransport = base
	send(t, Chain(nil), get(t, "http://a.test"))
	if base.calls() != 1 {
		t.Error("http.DefaultTransport saw nothing")
	}
}

// idler counts calls of CloseIdleConnections.
type idler struct {
	Func
	closes int
}

func (i *idler) CloseIdleConnections() { i.closes++ }

func TestCloseIdleConnectionsReachesTheBase(t *testing.T) {
	var b Breaker
	wrappers := []Middleware{
		Record{}.Wrap, Deadline{Total: time.Hour}.Wrap, Retry{}.Wrap, Buffer{}.Wrap, b.Wrap, Limit{Concurrency: 1}.Wrap, Timeout{Headers: time.Hour}.Wrap,
	}
	for i, wrap := range wrappers {
		base := new(idler)
		wrap(base).(interface{ CloseIdleConnections() }).CloseIdleConnections()
		if base.closes != 1 {
			t.Errorf("wrapper %d: the base was told %d times", i, base.closes)
		}
	}
	base := new(idler)
	var notes []string
	client := &http.Client{Transport: Chain(base, append(wrappers, tag("a foreign one that swallows it", &notes))...)}
	client.CloseIdleConnections()
	if base.closes == 0 {
		t.Error("a foreign wrapper kept it from the base")
	}
	Chain(script(200)).(interface{ CloseIdleConnections() }).CloseIdleConnections() // a base that has none is fine
}

// Nobody in the kit may purge a pool that is shared.
func TestNobodyClosesIdleConnectionsUnasked(t *testing.T) {
	b := Breaker{FailureThreshold: 2}
	base := &idler{Func: script(503, errRefused, 503).RoundTrip}
	rt := Chain(base, Record{}.Wrap, Retry{BaseDelay: -1}.Wrap, Buffer{}.Wrap, b.Wrap, Timeout{Headers: time.Second}.Wrap)
	for range 5 {
		send(t, rt, get(t, "http://a.test"))
	}
	if base.closes != 0 {
		t.Errorf("the pool was purged %d times", base.closes)
	}
}
