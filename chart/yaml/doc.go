// Package yaml reads and writes YAML with the results and the bytes of sigs.k8s.io/yaml, several times faster.
//
// # Reading
//
// Decode, DecodeMap and Unmarshal give the first document of a text as that library does: YAML 1.1 turned into JSON.
// So all numbers of a tree are float64, y, yes and on are true, 0777 is 511, dates are strings, and keys that are
// numbers or booleans become strings: `n: 300` is the key "false". Of equal keys the last one counts. Where that
// library's result depends on the order of a Go map (the keys 1 and "1" in one mapping), the last one counts as well.
//
//	values, err := yaml.DecodeMap(data)
//
// ReadHead checks a whole manifest and takes from it only what sorting and hooks need: no tree, next to no memory.
// Index tells where in the text each key and value is, how it is written, and which keys are there twice.
//
// One parser does the common styles of YAML in a single pass. It accepts only what it is certain of. Everything else
// goes to the library: invalid texts (so all errors have its words), tags, complex keys, directives, infinities,
// control characters, nesting beyond 500 levels, aliases that repeat many thousands of nodes. The limits are the
// library's: 10,000 levels, and aliases that make up 99 % of a document (10 % of a huge one) are refused. A text is
// read without a limit on its size: bound it before.
//
// # Writing
//
// Append writes what the library's Marshal writes, AppendJSON what encoding/json writes.
//
// All functions may be called by several goroutines at once.
package yaml
