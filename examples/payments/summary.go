package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// summary prints how many transactions stand where, and why, and returns how
// many of them wait for a reviewer.
func (s *store) summary(ctx context.Context, out io.Writer) (waiting int, err error) {
	for _, in := range []state{queued, charged, declined, voided, review} {
		all, err := s.list(ctx, in, -1)
		if err != nil {
			return 0, err
		}
		if len(all) == 0 {
			continue
		}
		sum, whys := purse{}, map[string]int{}
		for _, r := range all {
			sum[r.Currency] += r.Amount
			if r.why != "" {
				whys[r.why]++
			}
		}
		fmt.Fprintf(out, "  %-8s %4d   %v\n", in, len(all), sum)
		for _, why := range most(whys) {
			fmt.Fprintf(out, "    %s\n", why)
		}
		if in == review {
			waiting = len(all)
		}
	}
	return waiting, nil
}

// most lists counts, the highest first.
func most(counts map[string]int) []string {
	names := slices.SortedFunc(maps.Keys(counts), func(a, b string) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), strings.Compare(a, b))
	})
	for i, name := range names {
		names[i] = fmt.Sprintf("%4d   %s", counts[name], name)
	}
	return names
}

// notRight returns err, or errNotRight where a check did its work.
func notRight(err error) error {
	if err != nil {
		return err
	}
	return errNotRight
}
