package main

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/safetrip-go/safetrip/transport/rttest"
)

// contract holds every contender that is an http.RoundTripper to the rules of
// rttest.
func contract(o options, r *report) error {
	var players []contender
	for _, c := range field() {
		if c.wrap != nil {
			players = append(players, c)
		}
	}
	r.say("contract: %d wrappers", len(players))
	broken, err := scoreboard(o, players)
	if err != nil {
		return err
	}
	rules := slices.DeleteFunc(rttest.Rules(), func(rule rttest.Rule) bool {
		return o.memoryRules && (!rule.Memory || strings.HasPrefix(rule.Name, "large-"))
	})
	r.add(keptTable(players, broken, rules))
	r.add(rulesTable(players, broken, rules))
	for i, c := range players {
		r.summary.set(c.name, "rules broken", float64(len(broken[i])), fmt.Sprint(len(broken[i])))
	}
	r.pictures = append(r.pictures, contractPicture(players, broken, len(rules)))
	return nil
}

// scoreboard returns the rules that each player breaks. Each plays in a process
// of its own: what it leaves behind is not held against the next.
func scoreboard(o options, players []contender) ([][]string, error) {
	broken := make([][]string, len(players))
	errs := make([]error, len(players))
	part, atOnce := "rules all ", 4
	if o.memoryRules {
		part, atOnce = "rules memory ", len(players) // they spend their time waiting
	}
	var wg sync.WaitGroup
	places := make(chan struct{}, atOnce)
	for i, c := range players {
		wg.Go(func() {
			places <- struct{}{}
			broken[i], errs[i] = isolated[[]string](part + c.name)
			<-places
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	return broken, nil
}

// brokenBy returns the names of the rules that a contender breaks. What breaks
// is tried a second time, so that a machine that was busy is not held against
// anybody.
func brokenBy(with string) ([]string, error) {
	which, name, _ := strings.Cut(with, " ")
	c, err := named(name)
	if err != nil {
		return nil, err
	}
	var rules []string
	for _, rule := range rttest.Rules() {
		isLarge := strings.HasPrefix(rule.Name, "large-")
		if (which == "all" || rule.Memory && !isLarge) && !slices.Contains(c.fatal, rule.Name) {
			rules = append(rules, rule.Name)
		}
	}
	return append(c.breaks(c.breaks(rules)), c.fatal...), nil
}

// breaks returns those of the rules that c breaks, in no order. Most of the
// time that broken ones take is spent waiting for what does not come, so many
// are tried at once; those that look at the program's memory come after.
func (c contender) breaks(rules []string) []string {
	var broken []string
	var mu sync.Mutex // guards broken
	try := func(rule string) {
		if len(only(rule).Check(c.wrapped(setting{hasty: true}))) > 0 {
			mu.Lock()
			broken = append(broken, rule)
			mu.Unlock()
		}
	}
	var wg sync.WaitGroup
	places := make(chan struct{}, 16)
	for _, rule := range rules {
		if strings.HasPrefix(rule, "large-") {
			continue
		}
		wg.Go(func() {
			places <- struct{}{}
			try(rule)
			<-places
		})
	}
	wg.Wait()
	for _, rule := range rules {
		if strings.HasPrefix(rule, "large-") {
			try(rule)
		}
	}
	return broken
}

// only is a suite of one rule.
func only(rule string) rttest.Suite {
	omit := map[string]string{}
	for _, r := range rttest.Rules() {
		if r.Name != rule {
			omit[r.Name] = "it has its own turn"
		}
	}
	return rttest.Suite{Omit: omit}
}

func keptTable(players []contender, broken [][]string, rules []rttest.Rule) *table {
	t := &table{
		title: "The contract",
		note: fmt.Sprintf("How many of %d rules of the http.RoundTripper contract (transport/rttest) a wrapper keeps. Each rule is "+
			"a promise that callers of net/http rely on.", len(rules)),
		head: []string{"contender", does, "kept", "broken"},
	}
	for i, c := range players {
		t.add(c.name, c.does, fmt.Sprint(len(rules)-len(broken[i])), fmt.Sprint(len(broken[i])))
	}
	return t
}

// rulesTable has a row for each rule that somebody breaks.
func rulesTable(players []contender, broken [][]string, rules []rttest.Rule) *table {
	t := &table{title: "The contract, rule by rule", head: []string{"rule"}}
	var legend []string
	for i, c := range players {
		legend = append(legend, fmt.Sprintf("%s %s", letter(i), c.name))
		t.head = append(t.head, letter(i))
	}
	t.note = "Rules that somebody breaks (x): " + strings.Join(legend, ", ") + "."
	for _, rule := range rules {
		row, kept := []string{rule.Name}, true
		for i := range players {
			mark := "·"
			if slices.Contains(broken[i], rule.Name) {
				mark, kept = "x", false
			}
			row = append(row, mark)
		}
		if !kept {
			t.add(row...)
		}
	}
	return t
}

func letter(i int) string { return string(rune('a' + i)) }
