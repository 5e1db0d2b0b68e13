package telemetry

import (
	"go.opentelemetry.io/otel/attribute"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
)

// ScopeName is the name of the instrumentation scope that all spans and
// metrics of this package have. Views and exporters can select by it.
const ScopeName = "github.com/safetrip-go/safetrip/telemetry"

// SchemaURL names the version of the semantic conventions that they follow.
const SchemaURL = semconv.SchemaURL

// The kit's own attributes. What the semantic conventions have a name for goes
// by that name.
const (
	operationKey = attribute.Key("safetrip.operation")     // what the call is for, see transport.WithOperation
	attemptsKey  = attribute.Key("safetrip.attempts")      // attempts that the call took
	sourceKey    = attribute.Key("safetrip.source")        // where the answer came from
	stepKey      = attribute.Key("safetrip.step")          // the step of a fallback ladder that answered
	levelKey     = attribute.Key("safetrip.level")         // how much of the service was left
	gaveUpKey    = attribute.Key("safetrip.gave_up")       // why the call was not sent again
	categoryKey  = attribute.Key("safetrip.category")      // the verdict's category
	severityKey  = attribute.Key("safetrip.severity")      // the verdict's severity
	circuitKey   = attribute.Key("safetrip.circuit.key")   // the circuit that the call came to
	stateKey     = attribute.Key("safetrip.circuit.state") // and the state it was in
	attemptKey   = attribute.Key("safetrip.attempt")       // the number of an attempt, from 1
	waitKey      = attribute.Key("safetrip.wait")          // seconds waited before it
)

// other stands for values that are not told apart: a method that is not known,
// hosts beyond the limit, errors without a category.
const other = "_OTHER"
