// Package benchmarks measures the kit beside its peers: melody and centrifuge,
// each a server process of its own, over real sockets, in the same run. Each
// benchmark reports ratios; what they come to on one machine stands in the
// README beside this file. What package server costs is measured alone by
//
//	go test -run '^$' -bench BenchmarkServer -benchtime 3x ./...
package benchmarks
