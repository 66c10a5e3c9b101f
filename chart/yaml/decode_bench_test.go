package yaml

import (
	"path"
	"testing"

	sigs "sigs.k8s.io/yaml"
)

// benchmarks runs one function over documents of the corpus, once by this package and once by the library.
func benchmarks[T []byte | string](b *testing.B, docs []corpusDocument, ours, library func(T)) {
	size := 0
	texts := make([]T, len(docs))
	for i, doc := range docs {
		size += len(doc.data)
		texts[i] = T(doc.data)
	}
	for _, side := range []struct {
		name string
		run  func(T)
	}{{"slipway", ours}, {"sigs", library}} {
		b.Run(side.name, func(b *testing.B) {
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				for _, text := range texts {
					side.run(text)
				}
			}
		})
	}
}

func BenchmarkDecodeMapOfValues(b *testing.B) {
	files, _ := corpus(b)
	var values []corpusDocument
	for i, doc := range files {
		if path.Base(doc.name) == "values.yaml" && i%4 == 0 {
			values = append(values, doc)
		}
	}
	benchmarks(b, values,
		func(data []byte) { _, _ = DecodeMap(data) },
		func(data []byte) {
			var m map[string]any
			_ = sigs.Unmarshal(data, &m)
		})
}

func BenchmarkReadHead(b *testing.B) {
	_, manifests := corpus(b)
	var small, large []corpusDocument
	for _, doc := range manifests {
		if len(doc.data) > 20_000 {
			large = append(large, doc)
		} else {
			small = append(small, doc)
		}
	}
	for _, set := range []struct {
		name string
		docs []corpusDocument
	}{{"small", small}, {"large", large}} {
		b.Run(set.name, func(b *testing.B) {
			benchmarks(b, set.docs,
				func(doc string) { _, _ = ReadHead(doc) },
				func(doc string) { _, _ = readHeadSlowly(doc) })
		})
	}
}
