package tmpl

// Func is a function that templates can call. The compiled program tries
// Append, then Fast, then Call or Fn; whatever the way, the result and the
// error text are those of text/template calling Fn.
type Func struct {
	// Fn is the Go function as it would stand in a template.FuncMap. It gives
	// the number and types of the parameters, for the checks and conversions
	// of text/template, and is what is called when nothing quicker applies.
	Fn any

	// Call, when set, is called in place of Fn, with the arguments already
	// checked and converted to Fn's parameter types. It is for functions that
	// need the running render: required, lookup. It must neither keep nor
	// change args.
	Call func(st *State, args []any) (any, error)

	// Fast, when set, is tried first. It gets the right number of arguments,
	// as they lie in the values (no checks made, nil for a nil interface), and
	// reports handled=false, with no side effect, for any type that it does not
	// know. It must neither keep nor change args.
	Fast func(st *State, args []any) (result any, handled bool, err error)

	// Append is Fast for a function whose result is a string: it appends the
	// result to dst. The program uses it where a result goes straight to the
	// output.
	Append func(st *State, dst []byte, args []any) (out []byte, handled bool, err error)

	// Mutates says that the function changes one of its arguments (set, unset, merge).
	Mutates bool

	// Random says that two calls with equal arguments can differ (now, randAlpha, genCA).
	Random bool
}

// Table is the set of functions that a template may call, by name. NewFuncs
// adds include and tpl, in place of those that a table may have.
type Table map[string]Func

// Env is what the functions of one render may use of the world outside. The
// zero value is right for a render with no cluster and no network.
type Env struct {
	// Strict makes a missing map key an error (missingkey=error).
	Strict bool
	// Lint makes required and fail report to Log and return "".
	Lint bool
	// EnableDNS lets getHostByName ask the resolver. Otherwise it returns "".
	EnableDNS bool
	// Lookup answers the lookup function. Nil means an empty map, as Helm answers without a cluster.
	Lookup func(apiVersion, kind, namespace, name string) (map[string]any, error)
	// Log receives the lines that Helm writes to its log while rendering. Nil drops them.
	Log func(format string, args ...any)
}
