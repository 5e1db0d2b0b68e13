// Package telemetry shows what happens to HTTP calls: as OpenTelemetry spans,
// as metrics, and as ids in log lines. It needs the OpenTelemetry API alone;
// which SDK and which exporter receive it is the program's choice, made with
// providers in the fields or with the global ones, at any time. Without an SDK
// a call costs a quarter of a microsecond more.
//
//	client := &http.Client{Transport: transport.Chain(http.DefaultTransport,
//		telemetry.Call{}.Wrap,    // one span and one record per call
//		transport.Retry{}.Wrap,
//		telemetry.Attempt{}.Wrap, // one span and one record per attempt
//	)}
//
// # What a trace shows
//
// A call that failed twice and then went well is one INTERNAL span with three
// CLIENT spans under it, and the server's own spans under the one that reached
// it:
//
//	load user              INTERNAL  safetrip.attempts=3 safetrip.source=origin
//	│   safetrip.retry (event)       safetrip.wait=0.8
//	├── GET                CLIENT    503, error
//	├── GET                CLIENT    503, error, http.request.resend_count=1
//	└── GET                CLIENT    200,        http.request.resend_count=2
//	    └── GET /users/{id}  SERVER
//
// That needs [Call] outside of Retry and [Attempt] inside. The other way round
// there is one CLIENT span for all three attempts, which says 200 and hides
// the other two: see the example of the wrong order.
//
// The call's span also says, where there is something to say: safetrip.gave_up
// (why it was not sent again), safetrip.step and safetrip.level (which step of a
// fallback ladder answered, and how much of the service was left),
// safetrip.category and safetrip.severity (the verdict), safetrip.circuit.key
// and .state (of a circuit that was open or half-open).
//
// A call that shares the answer of another one, which a cache made it wait for,
// has a link to that call's span, where the attempts are.
//
// A call that no attempt was made for, because a circuit was open or a cache
// answered, is an INTERNAL span without children. The conventions forbid a
// second CLIENT span around those of the attempts, so Call's is none.
//
// # Spans of attempts
//
// They follow the semantic conventions for HTTP client spans, version 1.43.0,
// to the letter. These attributes are there when the span starts, so that
// samplers see them:
//
//	http.request.method           GET; _OTHER if it is not a known one
//	http.request.method_original  what it really is, if that differs
//	server.address, server.port   of the Host header that is sent
//	url.full                      see Secrets
//	http.request.resend_count     from the second attempt, and the second hop, on
//	url.template                  if Template gives one
//
// and these when it ends:
//
//	http.response.status_code     if there was a response
//	network.protocol.version      1.0, 1.1, 2 or 3, if there was a response
//	error.type                    if it failed
//
// The status is Error for responses from 400 on and for errors, and otherwise
// left unset. When the caller canceled, it is left unset too, and there is no
// error.type. The status's description is a fixed phrase, such as "dial:
// connection refused"; it never is the text of an error, which may quote
// anything.
//
// Values of error.type, in spans and metrics alike, are
//
//	400 to 999                    the status of the response
//	validation, network, timeout, data, system, business_logic,
//	rate_limit, auth, circuit_open
//	                              the category of the verdict on an error
//	panic                         something below panicked
//	_OTHER                        a Classifier called an error ok
//
// # Metrics
//
// Of attempts, by the conventions:
//
//	http.client.request.duration    s          histogram
//	http.client.active_requests     {request}  if asked for, see OptIn
//	http.client.request.body.size   By         histogram, if asked for
//	http.client.response.body.size  By         histogram, if asked for
//
// Of calls, the kit's own:
//
//	safetrip.call.duration          s          histogram, by operation, source and level;
//	                                           its count says how many answers came from where
//	safetrip.attempts               {attempt}  what calls took, if there is a Retry
//	safetrip.retries                {retry}    by the category of what they repeat
//	safetrip.gave_up                {call}     failed calls not sent again, by reason
//	safetrip.fallbacks              {answer}   responses by a step of a ladder
//	safetrip.errors                 {error}    by category and severity
//
// Of what is not in a call's path, by [Observers] and [CircuitChanges]:
//
//	safetrip.circuits               {circuit}  by state
//	safetrip.circuit.state          {circuit}  1 for the state it is in, else 0
//	safetrip.circuit.failures       {failure}  that count towards opening
//	safetrip.circuit.rejected       {call}     refused
//	safetrip.circuit.changes        {change}   by the new state
//	safetrip.retry.budget.left      {retry}
//	safetrip.cache.entries          {entry}
//	safetrip.cache.size             By
//	safetrip.cache.limit            By
//	safetrip.cache.hits             {lookup}
//	safetrip.cache.misses           {lookup}
//	safetrip.cache.stored           {entry}
//	safetrip.cache.evicted          {entry}
//	safetrip.cache.errors           {error}
//	safetrip.ladder.level           {ladder}   1 for the level it is on, else 0
//	safetrip.call.active            {call}     calls in flight
//	safetrip.traffic.error_rate     1          of the window
//	safetrip.traffic.latency        s          of the window, by quantile
//	safetrip.traffic.consecutive_failures  {failure}  in a row, the worst operation's
//	safetrip.health.status          {check}    1 for the status it has, else 0
//
// The number of series is bounded, whatever is called: a method that is not
// known, and every host, operation, template and step after the first 100
// (MaxHosts), is told as _OTHER. Exemplars lead from a histogram to a trace,
// where the SDK keeps them.
//
// # When a span ends
//
// Span and duration end when the response headers are there. The conventions
// allow it, no body needs to be wrapped, and nothing is lost if a body is
// never closed. Where the body is what takes long, [Attempt.Body] keeps them
// open to its end.
//
// # Secrets
//
// No header is shown unless it is named in [OptIn], and some not even then. A
// URL's user and password are replaced by REDACTED, as are the values of query
// parameters that hold a secret: those that the conventions name, the common
// names of credentials, and those in [Attempt.SecretQueryKeys]. That is more
// than the conventions ask for, and letters of either case are the same. A
// path is shown as it is.
//
// # Defaults
//
//	Call.MaxHosts       100
//	Attempt.MaxHosts    100
//	Observers.MaxKeys   100
//	Attempt.Body        false: to the headers
//	KnownMethods        GET POST PUT DELETE HEAD PATCH OPTIONS CONNECT TRACE QUERY
//	providers           the global ones
//
// # What it leaves out
//
// There is no log exporter: [Logs] adds the ids, slog does the rest. There is
// no metric of open connections, because a RoundTripper cannot see them. There
// are no spans for name lookups and handshakes; otelhttptrace has them, and
// its trace in the request's context passes. An attempt's text of error is not
// shown, only what kind it was of; the error itself reaches the caller.
//
// # With otelhttp
//
// otelhttp.NewTransport fits the chain in the place of Attempt, and then makes
// the CLIENT spans. Do not use both: each is one.
//
// # Reading the code
//
// Call.Wrap (call.go) makes a passage of each call, Attempt.Wrap (attempt.go)
// an exchange of each attempt; both begin, send and finish. How something
// ended is decided in ending.go and outcome.go, which are pure.
package telemetry
