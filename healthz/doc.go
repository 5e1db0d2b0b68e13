// Package healthz tells how a program is doing, to machines and to people.
//
// A [Monitor] runs checks in the background and answers probes from what they
// found last:
//
//	monitor := &healthz.Monitor{
//		Name:    "billing",
//		Sources: healthz.Sources{Traffic: stats.Traffic, Circuits: breaker.States},
//		Checks:  []healthz.Check{healthz.Func("db", db.PingContext)},
//		Alerts:  healthz.Alerts{Sinks: []healthz.Sink{healthz.Log(nil)}},
//		Detail:  func(r *http.Request) bool { return r.Header.Get("X-Ops") == token },
//	}
//	go monitor.Run(ctx)
//	mux.Handle("/healthz", monitor)
//	mux.Handle("/healthz/", monitor) // one check: /healthz/NAME
//	mux.Handle("/livez", monitor)
//	mux.Handle("/readyz", monitor)
//
// # What is checked
//
// The machine: cpu_usage, memory_usage and disk_usage; in a container its
// limits are what counts. The calls that the program makes, where a [Sources]
// field says how to read them: error_rate, response_time,
// consecutive_failures, open_circuits, service_availability, service_level.
// And what you add: [Func] for anything, [HTTP], [TCP], [DNS] and
// [Certificate] for what the program depends on.
//
// A check is healthy, a warning, or critical, and the worst one counts. A
// check that fails is critical unless it is WarnOnly. One that panics or takes
// too long failed; one that hangs is not started a second time. A verdict that
// grew too old is critical and says so, so that a monitor that stopped cannot
// be taken for a program that is well.
//
// # Who is asked what
//
//	/livez    should this program be restarted?   checks marked Live: none that is built in
//	/readyz   should it be sent requests?         checks marked Ready: memory_usage and disk_usage
//	/healthz  how is it?                          all checks
//
// Healthy and warning are 200, critical is 503. Before Run is called each of
// the three is 503 and says "not running: call Run"; until every check has run
// once, /readyz and /healthz are 503 and say "first run pending". A check that
// was added later counts from its first verdict on.
//
// Neither traffic nor upstreams count for /livez or /readyz: a restart mends
// no upstream, and while one is down the fallback ladder still answers. Mark
// your own checks as you see fit.
//
// # Formats
//
// By Accept, or ?format=: the report as JSON (json; ?pretty),
// application/health+json (health), text shaped as Kubernetes' own (text;
// ?verbose, ?exclude=name, /healthz/name), and a live page for people (html),
// which needs nothing from outside and works without scripts. /healthz answers
// JSON to whoever does not care, the others text.
//
// Everybody sees the overall status and the names and statuses of checks; a
// request that Detail accepts sees everything. Of errors, the category is shown and never
// the text, whoever asks, and names of hosts and operations lose userinfo,
// query and fragment. Put the page behind authentication of your own.
//
// # Defaults
//
//	Monitor.Interval                 30 s
//	Check.Timeout                    10 s, at most the interval
//	Check.MaxAge                     3 intervals and the timeout
//	Alerts.Bad, Alerts.Good          2 runs, 2 runs
//	Alerts.Repeat                    off
//	Alerts.Timeout                   10 s
//	Thresholds.ErrorRate             10 %, 25 %
//	Thresholds.ResponseTime          5 s, 10 s
//	Thresholds.MinCalls              10
//	Thresholds.ConsecutiveFailures   3, 5
//	Thresholds.OpenCircuits          1, off
//	Thresholds.Availability          95 %, 80 %
//	Thresholds.ServiceLevel          1 (degraded), 2 (offline)
//	Thresholds.CPU                   80 %, 90 %
//	Thresholds.Memory                80 %, 90 %
//	Thresholds.Disk                  85 %, 95 %
//	Thresholds.DiskPath              /, or C:\ on Windows
//	Certificate.Days                 21, 7
//
// Not settings: an interval's jitter is a tenth; 60 runs of a check, 20 alerts
// and 10 minutes of traffic are remembered; 64 alerts wait for a slow sink;
// 32 viewers watch the live page, which is sent what changed every 2 s; lists
// of hosts end at 100.
//
// # What is left out, and why
//
// No metrics endpoint: metrics are telemetry's. No pprof and no expvar: a
// health endpoint is open to more people than a profile may be. Nothing is
// registered anywhere, least of all on http.DefaultServeMux: you mount the
// handler. No redirects are followed by checks. No free text in a [Result]: it
// would end up in front of everybody. No hysteresis for probes, which are
// answered by the last run alone: whoever probes counts failures. Alerts have
// it. No check runs in a request's path, so that no number of probes adds
// load to a dependency that is already ill.
package healthz
