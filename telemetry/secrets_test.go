package telemetry_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/baggage"
	"go.opentelemetry.io/otel/propagation"

	"github.com/safetrip-go/safetrip/telemetry"
	"github.com/safetrip-go/safetrip/transport"
)

// Secrets are planted wherever a request, a response and an error have room
// for one. None may come out anywhere.
func TestPlantedSecretsAppearNowhere(t *testing.T) {
	const secret = "hunter2"
	const carried = "swordfish" // in baggage, which is for the service's eyes
	l := listen(t)
	member, err := baggage.NewMember("session", carried)
	if err != nil {
		t.Fatal(err)
	}
	bag, err := baggage.New(member)
	if err != nil {
		t.Fatal(err)
	}
	ctx := baggage.ContextWithBaggage(t.Context(), bag)
	var logged bytes.Buffer
	logger := slog.New(telemetry.Logs(slog.NewJSONHandler(&logged, nil)))
	a := l.attempt()
	a.Propagator = propagation.NewCompositeTextMapPropagator(propagation.TraceContext{}, propagation.Baggage{})
	a.SecretQueryKeys = []string{"pin"}
	a.OptIn = telemetry.OptIn{UserAgent: true, RequestHeaders: []string{"Accept"}, ActiveRequests: true, BodySizes: true}
	var injected []http.Header
	failing := transport.Func(func(req *http.Request) (*http.Response, error) {
		injected = append(injected, http.Header{"Traceparent": req.Header["Traceparent"], "Baggage": req.Header["Baggage"]})
		switch req.Method {
		case http.MethodGet:
			return nil, &url.Error{Op: "Get", URL: req.URL.String(), Err: &net.OpError{Op: "dial", Err: errors.New(secret)}}
		case http.MethodPut:
			return nil, errors.New("no: " + secret)
		}
		resp := reply(req, 503)
		resp.Header.Set("Set-Cookie", "id="+secret)
		resp.Status = "503 " + secret
		return resp, nil
	})
	rt := transport.Chain(failing, l.call().Wrap, transport.Record{Logger: logger}.Wrap, transport.Retry{BaseDelay: -1, Logger: logger}.Wrap, a.Wrap)
	for _, method := range []string{http.MethodGet, http.MethodPut, http.MethodDelete} {
		for _, where := range []string{
			"https://" + secret + "@api.example.com/", "https://bob:" + secret + "@api.example.com/",
			"https://api.example.com/?X-Amz-Signature=" + secret + "&X-Amz-Credential=" + secret + "&X-Amz-Security-Token=" + secret,
			"https://api.example.com/?sig=" + secret + "&X-Goog-Signature=" + secret, "https://api.example.com/?SIG=" + secret,
			"https://api.example.com/?a=1&s%69g=" + secret + "&pin=" + secret, "https://api.example.com/?a=1;sig=" + secret,
			"https://api.example.com/?api_key=" + secret + "&token=" + secret, "https://api.example.com/#access_token=" + secret,
		} {
			req := get(t, where).WithContext(ctx)
			req.Method = method
			req.Header = http.Header{
				"Authorization": {"Bearer " + secret}, "Cookie": {"id=" + secret}, "X-Api-Key": {secret},
				"Proxy-Authorization": {secret}, "Accept": {"text/plain"}, "User-Agent": {"tester"},
			}
			send(t, rt, req)
		}
		opaque := get(t, "https://api.example.com/")
		opaque.Method = method
		opaque.URL.Opaque = "//bob:" + secret + "@api.example.com/?sig=" + secret
		opaque.URL.Opaque, opaque.URL.RawQuery, _ = strings.Cut(opaque.URL.Opaque, "?")
		send(t, rt, opaque)
	}

	var all strings.Builder
	for _, s := range l.spans.Ended() {
		fmt.Fprintln(&all, s.Name(), s.Attributes(), s.Status(), s.Events(), s.Links(), s.SpanContext().TraceState())
	}
	for _, p := range l.sampler.all() {
		fmt.Fprintln(&all, p.Name, p.Attributes)
	}
	fmt.Fprintf(&all, "%+v", l.collect())
	fmt.Fprintln(&all, logged.String())
	if strings.Contains(all.String(), carried) {
		t.Error("the caller's baggage was told")
	}
	fmt.Fprintln(&all, injected)
	if !strings.Contains(all.String(), "session="+carried) {
		t.Error("the caller's baggage did not reach the service")
	}
	if i := strings.Index(all.String(), secret); i >= 0 {
		t.Errorf("it was told: … %s …", all.String()[max(0, i-200):i+20])
	}
	if n := len(l.spans.Ended()); n < 60 || logged.Len() == 0 {
		t.Errorf("%d spans and %d bytes of log say little", n, logged.Len())
	}
}
