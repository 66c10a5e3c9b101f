/** Stands for Jenkins' annotation of that name: the library is there anyway. */
@interface Library {
    String value()
}
