package rttest

import "slices"

// A Rule is one sentence of the contract, and the name by which it is known to
// Suite.Omit and to go test's -run flag.
type Rule struct {
	Name     string
	Sentence string
	Memory   bool // it needs no connection
}

// Rules returns all rules, in the order in which they run.
func Rules() []Rule {
	all := make([]Rule, len(rules))
	for i, r := range rules {
		all[i] = Rule{Name: r.name, Sentence: r.sentence, Memory: r.needs == memory}
	}
	return all
}

type rule struct {
	name     string
	sentence string
	needs    needs
	prove    func(*probe)
}

// needs is what a rule is tried on.
type needs int

const (
	memory  needs = iota // a base that makes its answers up
	sockets              // connections, in the protocol that the suite names
	http1                // connections, and what only HTTP/1.1 has
)

var rules = slices.Concat(
	requestRules,
	requestBodyRules,
	replayRules,
	closingRules,
	answerRules,
	bodyRules,
	errorRules,
	cancelRules,
	clientRules,
	calmRules,
	messageRules,
	streamRules,
	upgradeRules,
	brokenRules,
	hangupRules,
	poolRules,
	sizeRules,
)
