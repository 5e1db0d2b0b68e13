package safetrip

import (
	"log/slog"
	"net/http"

	"github.com/safetrip-go/safetrip/fallback"
	"github.com/safetrip-go/safetrip/healthz"
	"github.com/safetrip-go/safetrip/telemetry"
	"github.com/safetrip-go/safetrip/transport"
)

// Config says how an [Agent] treats its calls. The zero value is made for
// production: 3 attempts, 1 s and then 2 s apart, less up to half at random; a
// circuit per host, which opens at 5 failures for 60 s and closes after 3 good
// probes in a row; answers from the cache when the service is down; checks every
// 30 s.
//
// Each field is the setting of one layer, as its own package documents it; the
// defaults that are an Agent's own are said here. What is plain data in it can
// also be read from a file or from the environment: see [Config.LoadJSON] and
// [Config.LoadEnv].
//
// Agents and services may share what is given by pointer. Of the Agents that
// share a Cache or a Monitor the first one runs it, until its Close. It also
// wires the Monitor, so make those that share one after the other.
type Config struct {
	// Base sends the requests; the layers stand around it. If nil, it is
	// [http.DefaultTransport].
	Base http.RoundTripper

	// Retry sends again what failed. If its MaxDelay is zero, it is 30 s, or
	// its BaseDelay if that is longer.
	Retry transport.Retry

	// Breaker guards each host. If nil, it is one of the Agent's own. If its
	// OnChange is nil, the changes that calls make are logged, and counted as
	// a metric.
	Breaker *transport.Breaker

	// Timeout bounds one attempt. If its Headers is zero, it is 10 s; if
	// negative, there is no limit.
	Timeout transport.Timeout

	// Deadline bounds one call with all of its attempts. There is no limit
	// unless it is set. Set it a little below the client's own Timeout, so that
	// the ladder can still answer.
	Deadline transport.Deadline

	// Limit bounds how many attempts are under way to one host, and how many
	// are begun in a second. There is no bound unless it is set.
	Limit transport.Limit

	// Buffer, if not nil, reads small bodies ahead, so that a cut one is a
	// failure to circuits, and retried.
	Buffer *transport.Buffer

	// Cache keeps what may stand in for a service that fails. If nil, it is one
	// of the Agent's own.
	Cache *fallback.Cache

	// Steps are asked in turn when the service fails and the cache has nothing.
	Steps []fallback.Step

	// PerCall are layers of your own around each call, inside the Call span and
	// outside of everything else.
	PerCall []transport.Middleware

	// PerAttempt are layers of your own around each attempt, inside the
	// timeout of the attempt: authentication, request signing.
	//
	// The cache does not see what they add. If they act for different users,
	// by a token in the request's context say, set Cache.Partition to tell
	// these apart, or one may be served another's answer. For the same reason
	// Configs whose layers act for different users must not share a Cache.
	PerAttempt []transport.Middleware

	// Call and Attempt are the spans and metrics of a call and of an attempt.
	// Without an OpenTelemetry SDK in the program they record nothing.
	Call    telemetry.Call
	Attempt telemetry.Attempt

	// Services are the services that the program treats each in its own way, by
	// name: lower-case letters, digits, '-', '_' and '.'. Each starts from the
	// defaults of this page, not from the settings beside Services. The Agent's
	// are taken, where they are zero, for Base, Classifier, Call, Attempt and
	// Retry.Budget; and for Cache, if Base is nil and neither has PerAttempt,
	// since what acts for different users needs different caches. Logger,
	// Health and Services must be zero.
	//
	// A service has one circuit and one level, which have its name, unless
	// Breaker.Key tells more apart. [Agent.Service] returns it.
	Services map[string]Config

	// Hosts is for a Config in Services: calls that the Agent's own client
	// makes to these hosts are treated as the service's. "api.example.com" is
	// for all ports, "api.example.com:443" for one, and goes first. It is the
	// host in the URL that counts. There are no patterns.
	Hosts []string

	// Health is what [Agent.Healthz] serves. If nil, it is one of the Agent's
	// own. What is nil of its Sources is wired to the Agent; so are its Name,
	// Logger and Classifier, and alerts are logged if it has no Sinks. For that
	// it must not be in use before.
	Health *healthz.Monitor

	// Classifier judges for all layers, those that have their own excepted. If
	// nil, it is [transport.Classify].
	Classifier transport.Classifier

	// Logger is told of failures, retries, circuits and alerts, with the ids
	// of the trace where there is one. If nil, it is [slog.Default].
	Logger *slog.Logger

	// Disable leaves parts out.
	Disable Part
}
