//go:build !race

package safetrip_test

const raceEnabled = false
