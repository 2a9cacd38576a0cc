package parleyprometheus

import (
	"iter"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/parleygo/parley/adapters/nethttp"
)

// metric is one metric of a source's stats, with all its labels' values.
type metric[S any] struct {
	desc *prometheus.Desc
	tell func(stats S, tell func(value sample, labels ...string))
}

// sample makes a metric of a value and the values of its labels.
type sample func(desc *prometheus.Desc, labels []string) prometheus.Metric

func number(kind prometheus.ValueType, value float64) sample {
	return func(desc *prometheus.Desc, labels []string) prometheus.Metric {
		return prometheus.MustNewConstMetric(desc, kind, value, labels...)
	}
}

func counter[S any](name, help string, labels []string, value func(S) uint64) metric[S] {
	return metric[S]{describe(name, help, labels...), func(stats S, tell func(sample, ...string)) {
		tell(number(prometheus.CounterValue, float64(value(stats))))
	}}
}

func gauge[S any](name, help string, labels []string, value func(S) int) metric[S] {
	return metric[S]{describe(name, help, labels...), func(stats S, tell func(sample, ...string)) {
		tell(number(prometheus.GaugeValue, float64(value(stats))))
	}}
}

// counters is a counter with one more label, of a bounded set.
func counters[S any](
	name, help string, labels []string, label string, values func(S) iter.Seq2[string, uint64],
) metric[S] {
	desc := describe(name, help, append(labels[:len(labels):len(labels)], label)...)
	return metric[S]{desc, func(stats S, tell func(sample, ...string)) {
		for of, n := range values(stats) {
			tell(number(prometheus.CounterValue, float64(n)), of)
		}
	}}
}

// histogram is one of the kit's, whose last bucket has no bound.
func histogram[S any](
	name, help string, labels []string, bounds []float64, value func(S) nethttp.Histogram,
) metric[S] {
	return metric[S]{describe(name, help, labels...), func(stats S, tell func(sample, ...string)) {
		h := value(stats)
		cumulative, sum := make(map[float64]uint64, len(bounds)), uint64(0)
		for i, bound := range bounds {
			sum += h.Counts[i]
			cumulative[bound] = sum
		}
		tell(func(desc *prometheus.Desc, labels []string) prometheus.Metric {
			return prometheus.MustNewConstHistogram(desc, h.Count(), h.Sum, cumulative, labels...)
		})
	}}
}

func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("parley_"+name, help, labels, nil)
}

// pairs is a bounded set of counts by name.
func pairs(list ...any) iter.Seq2[string, uint64] {
	return func(yield func(string, uint64) bool) {
		for i := 0; i < len(list); i += 2 {
			if !yield(list[i].(string), list[i+1].(uint64)) {
				return
			}
		}
	}
}

func toInt(is bool) int {
	if is {
		return 1
	}
	return 0
}
