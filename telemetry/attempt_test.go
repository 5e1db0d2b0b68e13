package telemetry_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"

	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/safetrip-go/safetrip/telemetry"
	"github.com/safetrip-go/safetrip/transport"
)

const usual = "http.request.method=GET server.address=api.example.com server.port=443 url.full=https://api.example.com/v1/users"

func with(attrs ...string) string { return strings.Join(attrs, " ") }

func TestAttemptSpan(t *testing.T) {
	refused := &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
	for _, c := range []struct {
		sentence    string
		method, url string
		host        string
		answer      any
		name        string
		status      codes.Code
		description string
		attributes  string
	}{
		{
			sentence: "a call that went well has no error.type and no status",
			answer:   200, name: "GET",
			attributes: with("http.request.method=GET http.response.status_code=200 network.protocol.version=1.1", usual[len("http.request.method=GET "):]),
		},
		{
			sentence: "a redirect is not an error",
			answer:   302, name: "GET",
			attributes: with("http.request.method=GET http.response.status_code=302 network.protocol.version=1.1", usual[len("http.request.method=GET "):]),
		},
		{
			sentence: "a 404 is an error to a client; its code is the error.type and says it all",
			answer:   404, name: "GET", status: codes.Error,
			attributes: with("error.type=404 http.request.method=GET http.response.status_code=404 network.protocol.version=1.1", usual[len("http.request.method=GET "):]),
		},
		{
			sentence: "so is a 503",
			answer:   503, name: "GET", status: codes.Error,
			attributes: with("error.type=503 http.request.method=GET http.response.status_code=503 network.protocol.version=1.1", usual[len("http.request.method=GET "):]),
		},
		{
			sentence: "so is a code that nobody has heard of",
			answer:   799, name: "GET", status: codes.Error,
			attributes: with("error.type=799 http.request.method=GET http.response.status_code=799 network.protocol.version=1.1", usual[len("http.request.method=GET "):]),
		},
		{
			sentence: "an error is told by its category, and described in fixed words",
			answer:   refused, name: "GET", status: codes.Error, description: "dial: connection refused",
			attributes: with("error.type=network", usual),
		},
		{
			sentence: "an error's own text is not shown",
			answer:   errors.New("cannot reach https://user:hunter2@api.example.com"), name: "GET", status: codes.Error,
			description: "error of type *errors.errorString", attributes: with("error.type=business_logic", usual),
		},
		{
			sentence: "a timeout is one",
			answer:   fmt.Errorf("waiting: %w", os.ErrDeadlineExceeded), name: "GET", status: codes.Error, description: "timed out",
			attributes: with("error.type=timeout", usual),
		},
		{
			sentence: "a certificate that does not fit is the network's fault",
			answer:   &tls.CertificateVerificationError{Err: errors.New("x")}, name: "GET", status: codes.Error,
			description: "certificate not accepted", attributes: with("error.type=network", usual),
		},
		{
			sentence: "a cancel is no error at all",
			answer:   fmt.Errorf("waiting: %w", context.Canceled), name: "GET", attributes: usual,
		},
		{
			sentence: "an unknown method is _OTHER, and the span's name is HTTP",
			method:   "PURGE", answer: 200, name: "HTTP",
			attributes: "http.request.method=_OTHER http.request.method_original=PURGE http.response.status_code=200 network.protocol.version=1.1 " +
				"server.address=api.example.com server.port=443 url.full=https://api.example.com/v1/users",
		},
		{
			sentence: "methods are case-sensitive",
			method:   "get", answer: 200, name: "HTTP",
			attributes: "http.request.method=_OTHER http.request.method_original=get http.response.status_code=200 network.protocol.version=1.1 " +
				"server.address=api.example.com server.port=443 url.full=https://api.example.com/v1/users",
		},
		{
			sentence: "QUERY is known",
			method:   "QUERY", answer: 200, name: "QUERY",
			attributes: "http.request.method=QUERY http.response.status_code=200 network.protocol.version=1.1 " +
				"server.address=api.example.com server.port=443 url.full=https://api.example.com/v1/users",
		},
		{
			sentence: "the port of the URL is shown, and the fragment",
			url:      "http://127.0.0.1:8080/a?b=c#d", answer: 200, name: "GET",
			attributes: "http.request.method=GET http.response.status_code=200 network.protocol.version=1.1 " +
				"server.address=127.0.0.1 server.port=8080 url.full=http://127.0.0.1:8080/a?b=c#d",
		},
		{
			sentence: "an IPv6 address loses its brackets",
			url:      "http://[::1]:8080/", answer: 200, name: "GET",
			attributes: "http.request.method=GET http.response.status_code=200 network.protocol.version=1.1 " +
				"server.address=::1 server.port=8080 url.full=http://[::1]:8080/",
		},
		{
			sentence: "the Host header that is sent says who the server is",
			url:      "http://127.0.0.1:8080/", host: "tenant.example.com", answer: 200, name: "GET",
			attributes: "http.request.method=GET http.response.status_code=200 network.protocol.version=1.1 " +
				"server.address=tenant.example.com server.port=80 url.full=http://127.0.0.1:8080/",
		},
		{
			sentence: "the user and the secret values of a query are not shown",
			url:      "https://bob:hunter2@api.example.com/v1/users?page=2&sig=hunter2&X-Amz-Signature=hunter2", answer: 200, name: "GET",
			attributes: "http.request.method=GET http.response.status_code=200 network.protocol.version=1.1 server.address=api.example.com server.port=443 " +
				"url.full=https://REDACTED:REDACTED@api.example.com/v1/users?page=2&sig=REDACTED&X-Amz-Signature=REDACTED",
		},
	} {
		t.Run(c.sentence, func(t *testing.T) {
			l := listen(t)
			req := get(t, "https://api.example.com/v1/users")
			if c.url != "" {
				req = get(t, c.url)
			}
			if c.method != "" {
				req.Method = c.method
			}
			if c.host != "" {
				req.Host = c.host
			}
			send(t, l.attempt().Wrap(answers(c.answer)), req)
			s := l.only(trace.SpanKindClient)
			if s.Name() != c.name {
				t.Errorf("name %q, want %q", s.Name(), c.name)
			}
			if got := show(s.Attributes()); got != c.attributes {
				t.Errorf("attributes\n%s\nwant\n%s", got, c.attributes)
			}
			if s.Status().Code != c.status || s.Status().Description != c.description {
				t.Errorf("status %v, want %v %q", s.Status(), c.status, c.description)
			}
		})
	}
}

// The caller's patience is its own: it canceled, or its deadline passed while
// the service was slow, which is a failure.
func TestAttemptTellsACancelFromADeadline(t *testing.T) {
	wait := transport.Func(func(req *http.Request) (*http.Response, error) {
		<-req.Context().Done()
		return nil, context.Cause(req.Context())
	})
	for _, c := range []struct {
		sentence, want string
		ctx            func(context.Context) (context.Context, context.CancelFunc)
		status         codes.Code
	}{
		{"canceled", "", context.WithCancel, codes.Unset},
		{"canceled for a reason", "", func(ctx context.Context) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancelCause(ctx)
			return ctx, func() { cancel(errors.New("the user left")) }
		}, codes.Unset},
		{"out of time", "timeout", func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithTimeout(ctx, 1)
		}, codes.Error},
	} {
		t.Run(c.sentence, func(t *testing.T) {
			l := listen(t)
			req := get(t, "http://api.example.com")
			ctx, cancel := c.ctx(req.Context())
			if c.status == codes.Unset {
				cancel()
			}
			defer cancel()
			send(t, l.chain(wait), req.WithContext(ctx))
			for _, kind := range []trace.SpanKind{trace.SpanKindClient, trace.SpanKindInternal} {
				s := l.only(kind)
				if got := attr(s, "error.type"); got != c.want || s.Status().Code != c.status {
					t.Errorf("%v: error.type %q, status %v; want %q and %v", kind, got, s.Status(), c.want, c.status)
				}
			}
		})
	}
}

func TestAttemptListensToTheClassifier(t *testing.T) {
	l := listen(t)
	a := l.attempt()
	a.Classifier = func(_ *http.Request, resp *http.Response, _ error) transport.Verdict {
		return transport.Verdict{Outcome: transport.Failed, Category: transport.Data}
	}
	send(t, a.Wrap(answers(200)), get(t, "http://api.example.com"))
	if s := l.only(trace.SpanKindClient); attr(s, "error.type") != "data" || s.Status().Code != codes.Error {
		t.Errorf("a 200 that the classifier finds a failure: error.type %q, status %v", attr(s, "error.type"), s.Status())
	}
}

func TestKnownMethodsCanBeReplaced(t *testing.T) {
	methods := func(t *testing.T, a telemetry.Attempt, l *listener) string {
		t.Helper()
		rt := a.Wrap(answers(200))
		for _, m := range []string{"GET", "PURGE", "BAN"} {
			req := get(t, "http://api.example.com")
			req.Method = m
			send(t, rt, req)
		}
		spans := l.of(trace.SpanKindClient)
		return spans[0].Name() + " " + spans[1].Name() + " " + spans[2].Name()
	}
	t.Run("by the environment", func(t *testing.T) {
		t.Setenv("OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS", "PURGE, BAN")
		l := listen(t)
		if got := methods(t, l.attempt(), l); got != "HTTP PURGE BAN" {
			t.Errorf("spans %s: the list must be replaced in full", got)
		}
	})
	t.Run("by the field, which stands above the environment", func(t *testing.T) {
		t.Setenv("OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS", "BAN")
		l := listen(t)
		a := l.attempt()
		a.KnownMethods = []string{"GET", "PURGE"}
		if got := methods(t, a, l); got != "GET PURGE HTTP" {
			t.Errorf("spans %s", got)
		}
	})
}

func TestTemplateIsPartOfTheName(t *testing.T) {
	l := listen(t)
	a, c := l.attempt(), l.call()
	a.Template = func(*http.Request) string { return "/users/{id}" }
	c.Template = a.Template
	send(t, c.Wrap(a.Wrap(answers(200))), get(t, "http://api.example.com/users/7"))
	for _, kind := range []trace.SpanKind{trace.SpanKindClient, trace.SpanKindInternal} {
		if s := l.only(kind); s.Name() != "GET /users/{id}" || attr(s, "url.template") != "/users/{id}" {
			t.Errorf("%v: name %q, url.template %q", kind, s.Name(), attr(s, "url.template"))
		}
	}
}

func TestOptInAttributes(t *testing.T) {
	l := listen(t)
	a := l.attempt()
	a.OptIn = telemetry.OptIn{Scheme: true, UserAgent: true, RequestHeaders: []string{"x-tenant"}, ResponseHeaders: []string{"X-Region"}}
	req := get(t, "https://api.example.com")
	req.Header = http.Header{"User-Agent": {"curl"}, "X-Tenant": {"a", "b"}}
	send(t, a.Wrap(transport.Func(func(req *http.Request) (*http.Response, error) {
		resp := reply(req, 200)
		resp.Header.Set("X-Region", "eu")
		return resp, nil
	})), req)
	s := l.only(trace.SpanKindClient)
	for key, want := range map[string]string{
		"url.scheme": "https", "user_agent.original": "curl",
		"http.request.header.x-tenant": `["a","b"]`, "http.response.header.x-region": `["eu"]`,
	} {
		if got := attr(s, key); got != want {
			t.Errorf("%s is %q, want %q", key, got, want)
		}
	}
}

func TestValidateNamesEveryFault(t *testing.T) {
	a := telemetry.Attempt{
		KnownMethods: []string{"GET", ""}, SecretQueryKeys: []string{""},
		OptIn: telemetry.OptIn{RequestHeaders: []string{"x-ok", "authorization", "Cookie"}, ResponseHeaders: []string{"set-cookie"}},
	}
	err := a.Validate()
	for _, want := range []string{"Attempt.KnownMethods: ", "Attempt.SecretQueryKeys: ", "RequestHeaders: authorization", "RequestHeaders: Cookie", "ResponseHeaders: set-cookie"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Validate says %v, want also %q", err, want)
		}
	}
	defer func() {
		if got := recover(); fmt.Sprint(got) != err.Error() {
			t.Errorf("Wrap panicked with %v, want %v", got, err)
		}
	}()
	a.Wrap(answers(200))
}

func TestFieldsAreReadAtWrap(t *testing.T) {
	l := listen(t)
	a := l.attempt()
	a.SecretQueryKeys = []string{"pin"}
	a.KnownMethods = []string{"GET"}
	rt := a.Wrap(answers(200))
	a.SecretQueryKeys[0], a.KnownMethods[0] = "x", "x"
	send(t, rt, get(t, "http://api.example.com/?pin=1234"))
	if s := l.only(trace.SpanKindClient); s.Name() != "GET" || attr(s, "url.full") != "http://api.example.com/?pin=REDACTED" {
		t.Errorf("span %s of %s", s.Name(), attr(s, "url.full"))
	}
}
