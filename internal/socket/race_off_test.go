//go:build !race

package socket

// raceEnabled: pools drop what they are given now and then.
const raceEnabled = false
