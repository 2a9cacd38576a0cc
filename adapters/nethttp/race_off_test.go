//go:build !race

package nethttp_test

const raceDetector = false
