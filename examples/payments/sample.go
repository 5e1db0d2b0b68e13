package main

import (
	"fmt"
	"math/rand/v2"
)

// sample makes transactions up, the same ones each time.
func sample(n int) []transaction {
	dice := rand.New(rand.NewPCG(1, 1))
	all := make([]transaction, n)
	for i := range all {
		t := transaction{
			ID:        fmt.Sprintf("inv-%04d", i+1),
			From:      madeUp("DE", 18, dice),
			To:        madeUp("NL", 14, dice),
			Amount:    1 + dice.Int64N(50_000),
			Currency:  "EUR",
			Reference: fmt.Sprintf("invoice %d", i+1),
		}
		switch i % 10 {
		case 3:
			t.Currency = "JPY"
		case 6:
			t.Amount += 66 - t.Amount%100 // which the gateway declines
		case 9:
			t.Currency = "KWD"
		}
		all[i] = t
	}
	return all
}

// madeUp returns an account that nobody has, with check digits that fit.
func madeUp(country string, length int, dice *rand.Rand) account {
	digits := make([]byte, length)
	for i := range digits {
		digits[i] = byte('0' + dice.IntN(10))
	}
	open := account(country + "00" + string(digits))
	return account(fmt.Sprintf("%s%02d%s", country, 98-open.mod97(), digits))
}
