// Package safetrip makes HTTP clients survive.
//
// A program that calls other people's services swaps the Transport of the
// http.Client that it already has, and mounts one handler:
//
//	agent, err := safetrip.New("billing", safetrip.Config{})
//	if err != nil {
//		return err
//	}
//	defer agent.Close()
//
//	client := agent.Client()               // or: client.Transport = agent.Transport()
//	mux.Handle("/healthz", agent.Healthz())
//
// From then on its calls are classified, retried, guarded by circuit breakers,
// answered from a cache or a substitute when the service is down, traced and
// measured with OpenTelemetry, and /healthz tells machines and people how the
// agent is doing. Nothing else in the program changes: callers still see
// *http.Response and error.
//
// # The onion
//
// An Agent is a chain of layers, each of which can be used on its own. A
// request goes through them from the top down, its response from the bottom
// up:
//
//	              client.Do(req)
//	┌──────────────────────────────────────────────┐
//	│ telemetry.Call       one span per call       │ ─┐
//	│ Config.PerCall       layers of yours         │  │
//	│ fallback.Ladder      a step down on failure  │  │ what concerns
//	│ fallback.Cache       what its first step has │  │ the call
//	│ transport.Record     the service's verdict   │  │
//	│ transport.Deadline   time for all attempts   │  │
//	│ transport.Retry      sends again             │ ─┘
//	├──────────────── once per attempt: ───────────┤
//	│ transport.Breaker    a circuit per host      │ ─┐
//	│ transport.Buffer     small bodies whole      │  │
//	│ transport.Limit      how many at once        │  │ what concerns
//	│ transport.Timeout    time for one attempt    │  │ one attempt
//	│ Config.PerAttempt    authentication, signing │  │
//	│ telemetry.Attempt    one span per attempt    │ ─┘
//	└──────────────────────────────────────────────┘
//	              http.DefaultTransport
//
// The order is the design. Breaker stands inside Retry, so that each attempt
// asks it and a refusal ends the call at once. Record stands outside Retry, or
// it would count attempts, and inside Ladder, or it would take a cached answer
// for the service's health. Deadline stands inside Ladder, so that a step can
// still answer when the time for the service is up. Buffer stands inside
// Breaker and Retry: a body that was cut is then a failure to both. Limit
// stands inside Breaker, since its refusals say nothing of the service, and
// Timeout too, since a late attempt does.
//
// # Services
//
// A program that calls several services treats each in its own way. Each of
// [Config.Services] is a Config of its own, with a circuit, a level and a policy
// that are the service's; presets are Configs for what people call:
//
//	agent, err := safetrip.New("billing", safetrip.Config{
//		Services: map[string]safetrip.Config{
//			"llm":      safetrip.PresetLLM(),
//			"payments": safetrip.PresetPayments(),
//			"db":       {},
//		},
//	})
//
//	client := agent.Service("llm").Client()
//	err = agent.Service("db").Do(ctx, "load user", query, cached)
//
// [Service.Do] gives work that is not HTTP the same onion, less the layers that
// only HTTP has. One call is treated otherwise through its context:
// [transport.WithOperation] names it, [transport.WithoutRetry] and
// [transport.WithIdempotencyKey] say what may be done with it,
// [transport.WithPriority] lets it pass others in a queue, its deadline is
// respected, and [transport.NewTrip] tells what happened to it.
//
// Settings can come from a file ([Config.LoadJSON]) and from the environment
// ([Config.LoadEnv]), and be replaced while the program runs
// ([Agent.Reconfigure]).
//
// # How to read the code
//
// Start with transport: chain.go, verdict.go, classify.go, then one file per
// layer, each from its type through Wrap and RoundTrip to the helpers. Two of
// them go on in other files: retry.go in sequence.go, replay.go and budget.go,
// breaker.go in circuit.go, opening.go and rule.go.
// fallback has the ladder and the cache, telemetry the two spans, healthz the
// monitor and its handler. Here, policy.go puts the layers together, agent.go
// and service.go are what programs hold, and task.go makes a request of work.
// Package transport imports none of the others; fallback, telemetry and healthz
// import only it.
//
// # Defaults
//
// Zero is the default, everywhere. Each field says its own; the tables are in
// the packages' comments. These are the Agent's own:
//
//	Config.Base              http.DefaultTransport
//	Config.Retry.MaxDelay    30s
//	Config.Timeout.Headers   10s
//	Config.Deadline          no limit
//	Config.Limit             no bound
//	Config.Buffer            off
//	Config.Logger            slog.Default()
//
// # What may surprise
//
//   - A POST is sent again only where that is safe: it provably was not sent,
//     or was answered 425 or 429, or has an Idempotency-Key.
//   - The last response comes back when attempts run out: a 503 is no error.
//   - Recoverable and retryable are two things. Invalid input can be mended by
//     its sender, and is not sent again as it is.
//   - A server's error is high in severity and recoverable, for it usually
//     passes; a fault of our own program is not. A lack of memory or of
//     descriptors is ours, and counts against no service.
//   - 401, 429 and the caller's own cancel count neither for a service nor
//     against it.
//   - The time that a circuit stays open grows while its probes fail.
//   - Alerts come when something changes, not on every run, unless asked for; a
//     warning never hides something critical.
//   - Response times are those of a window, with the mean of all beside them.
//
// # What it leaves out
//
// There is no registry, no global state and no init; two Agents share nothing
// but what they are given. There is no generic executor in the request's path.
// There is no retry without a budget, unless a setting turns the budget off.
package safetrip
