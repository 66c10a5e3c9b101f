package funcs

import (
	"github.com/Masterminds/sprig/v3"

	"github.com/e6d26078/slipway/engine/internal/tmpl"
)

// UserError is what a chart's author says with required or fail. Its text is
// the message between Helm's two marks, as it stands inside the longer text of
// a template error; whoever shows the error to a user finds the message itself
// with errors.As.
type UserError struct {
	Msg string
}

const (
	userErrorStart = "HELM_ERR_START"
	userErrorEnd   = "HELM_ERR_END"
)

func (e *UserError) Error() string {
	return userErrorStart + e.Msg + userErrorEnd
}

// addEnvironment adds the functions that depend on the running render.
func addEnvironment(t tmpl.Table) {
	resolve := sprig.TxtFuncMap()["getHostByName"].(func(string) string)

	t["required"] = tmpl.Func{
		Fn: func(msg string, v any) (any, error) { return required(nil, msg, v) },
		Call: func(st *tmpl.State, args []any) (any, error) {
			msg, _ := args[0].(string)
			return required(st.Env(), msg, args[1])
		},
		Fast: requiredFast,
	}
	t["fail"] = tmpl.Func{
		Fn: func(msg string) (string, error) { return fail(nil, msg) },
		Call: func(st *tmpl.State, args []any) (any, error) {
			msg, _ := args[0].(string)
			return fail(st.Env(), msg)
		},
	}
	t["lookup"] = tmpl.Func{
		Fn: func(apiVersion, kind, namespace, name string) (map[string]any, error) {
			return lookup(nil, apiVersion, kind, namespace, name)
		},
		Call: func(st *tmpl.State, args []any) (any, error) {
			var s [4]string
			for i := range s {
				s[i], _ = args[i].(string)
			}
			return lookup(st.Env(), s[0], s[1], s[2], s[3])
		},
		Random: true,
	}
	t["getHostByName"] = tmpl.Func{
		Fn: func(string) string { return "" },
		Call: func(st *tmpl.State, args []any) (any, error) {
			if env := st.Env(); env == nil || !env.EnableDNS {
				return "", nil
			}
			name, _ := args[0].(string)
			return resolve(name), nil
		},
		Random: true,
	}
}

// required returns v, or the chart author's message when v is nil or "".
func required(env *tmpl.Env, msg string, v any) (any, error) {
	if v != nil && v != any("") {
		return v, nil
	}
	if lenient(env, "[INFO] Missing required value: %s", msg) {
		return "", nil
	}
	return v, &UserError{Msg: msg}
}

// requiredFast answers where there is nothing to complain about.
func requiredFast(_ *tmpl.State, args []any) (any, bool, error) {
	if _, ok := args[0].(string); !ok {
		return nil, false, nil
	}
	switch v := args[1].(type) {
	case string:
		return v, v != "", nil
	case bool, float64, int, int64, map[string]any, []any:
		return v, true, nil
	}
	return nil, false, nil
}

func fail(env *tmpl.Env, msg string) (string, error) {
	if lenient(env, "[INFO] Fail: %s", msg) {
		return "", nil
	}
	return "", &UserError{Msg: msg}
}

// lenient reports whether env lints; if so, it logs the message.
func lenient(env *tmpl.Env, format, msg string) bool {
	if env == nil || !env.Lint {
		return false
	}
	if env.Log != nil {
		env.Log(format, msg)
	}
	return true
}

// lookup asks the render's cluster, if it has one and is not linting.
func lookup(env *tmpl.Env, apiVersion, kind, namespace, name string) (map[string]any, error) {
	if env == nil || env.Lint || env.Lookup == nil {
		return map[string]any{}, nil
	}
	return env.Lookup(apiVersion, kind, namespace, name)
}
