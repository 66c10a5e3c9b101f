package funcs

import "reflect"

// addLogic adds the functions that choose between values or ask for their
// type.
func (k *kit) addLogic() {
	k.call(defaultTo, "default")
	k.call(coalesce, "coalesce")
	k.call(func(args []any) (any, bool) { return isEmpty(args[0]) }, "empty")
	k.call(func(args []any) (any, bool) {
		choice, ok := args[2].(bool)
		if choice {
			return args[0], ok
		}
		return args[1], ok
	}, "ternary")
	k.set(textForm(0, func(args []any) (string, bool) { return kindOf(args[0]), true }), "kindOf")
	k.set(textForm(0, func(args []any) (string, bool) { return typeOf(args[0]), true }), "typeOf")
	k.call(func(args []any) (any, bool) {
		name, ok := args[0].(string)
		return name == kindOf(args[1]), ok
	}, "kindIs")
	k.call(func(args []any) (any, bool) {
		name, ok := args[0].(string)
		return name == typeOf(args[1]), ok
	}, "typeIs")
	k.call(toInt, "int")
	k.call(toInt64, "int64")
}

// isEmpty reports whether v is a zero value; known is false for types whose
// emptiness only reflection knows.
func isEmpty(v any) (empty, known bool) {
	switch v := v.(type) {
	case nil:
		return true, true
	case string:
		return v == "", true
	case bool:
		return !v, true
	case map[string]any:
		return len(v) == 0, true
	case []any:
		return len(v) == 0, true
	case float64:
		return v == 0, true
	case int:
		return v == 0, true
	case int64:
		return v == 0, true
	case []string:
		return len(v) == 0, true
	}
	rv := reflect.ValueOf(v)
	switch rv.Kind() {
	case reflect.Map, reflect.Slice, reflect.String:
		return rv.Len() == 0, true
	case reflect.Struct:
		return false, true
	}
	return false, false
}

func defaultTo(args []any) (any, bool) {
	if len(args) == 1 {
		return args[0], true
	}
	empty, known := isEmpty(args[1])
	if empty {
		return args[0], known
	}
	return args[1], known
}

func coalesce(args []any) (any, bool) {
	for _, v := range args {
		empty, known := isEmpty(v)
		if !known {
			return nil, false
		}
		if !empty {
			return v, true
		}
	}
	return nil, true
}

func kindOf(v any) string {
	switch v.(type) {
	case string:
		return "string"
	case map[string]any:
		return "map"
	case []any:
		return "slice"
	}
	return reflect.ValueOf(v).Kind().String()
}

func typeOf(v any) string {
	switch v.(type) {
	case nil:
		return "<nil>"
	case string:
		return "string"
	}
	return reflect.TypeOf(v).String()
}

func toInt(args []any) (any, bool) {
	switch v := args[0].(type) {
	case int:
		return args[0], true
	case int64:
		return int(v), true
	case float64:
		return int(v), true
	case nil:
		return 0, true
	}
	return nil, false
}

func toInt64(args []any) (any, bool) {
	switch v := args[0].(type) {
	case int64:
		return args[0], true
	case int:
		return int64(v), true
	case float64:
		return int64(v), true
	case nil:
		return int64(0), true
	}
	return nil, false
}
