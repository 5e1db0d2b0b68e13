package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// digits is how many digits the minor unit of a currency has, by ISO 4217: 1250
// are 12.50 EUR and 1250 JPY. A currency that is not here is not dealt in.
var digits = map[string]int{"CHF": 2, "EUR": 2, "GBP": 2, "JPY": 0, "KWD": 3, "USD": 2}

// A money is an amount in minor units. There is no floating point anywhere on
// its way.
type money struct {
	Amount   int64
	Currency string
}

func (m money) String() string {
	d := digits[m.Currency]
	if d == 0 {
		return fmt.Sprintf("%d %s", m.Amount, m.Currency)
	}
	unit := int64(1)
	for range d {
		unit *= 10
	}
	return fmt.Sprintf("%d.%0*d %s", m.Amount/unit, d, m.Amount%unit, m.Currency)
}

// A purse is a sum in each currency.
type purse map[string]int64

func (p purse) String() string {
	if len(p) == 0 {
		return "-"
	}
	var sums []string
	for _, currency := range slices.Sorted(maps.Keys(p)) {
		sums = append(sums, money{p[currency], currency}.String())
	}
	return strings.Join(sums, ", ")
}

func currencies() string {
	return strings.Join(slices.Sorted(maps.Keys(digits)), ", ")
}
