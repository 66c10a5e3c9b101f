package funcs

import (
	"reflect"
	"testing"

	"github.com/e6d26078/slipway/engine/internal/tmpl"
)

// TestChanceCanBeTakenOut holds that each function of chance and of time gives
// one result for a seed, another for another seed, of the type that it had.
func TestChanceCanBeTakenOut(t *testing.T) {
	first, again, other := WithoutChance(Helm4(), 1), WithoutChance(Helm4(), 1), WithoutChance(Helm4(), 2)
	found := 0
	for name, f := range Helm4() {
		if !f.Random || isGiven(name) {
			continue
		}
		found++
		typ := reflect.TypeOf(f.Fn)
		var args []reflect.Value
		for i := range typ.NumIn() {
			if typ.IsVariadic() && i == typ.NumIn()-1 {
				break
			}
			arg := reflect.Zero(typ.In(i))
			if typ.In(i).Kind() == reflect.Int {
				arg = reflect.ValueOf(12)
			}
			args = append(args, arg)
		}
		call := func(table tmpl.Table) any {
			fn := reflect.ValueOf(table[name].Fn)
			if fn.Type() != typ {
				t.Fatalf("%s is of type %s, want %s", name, fn.Type(), typ)
			}
			return fn.Call(args)[0].Interface()
		}
		a, b, c := call(first), call(again), call(other)
		if !reflect.DeepEqual(a, b) || reflect.DeepEqual(a, c) {
			t.Errorf("%s gives %v, %v and with another seed %v", name, a, b, c)
		}
		if s, isText := a.(string); isText && len(name) > 4 && name[:5] == "randA" && len(s) != 12 {
			t.Errorf("%s 12 gives %q", name, s)
		}
	}
	if found < 15 {
		t.Errorf("only %d functions are random", found)
	}
}
