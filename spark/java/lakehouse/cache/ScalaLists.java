package lakehouse.cache;

import java.util.List;
import scala.collection.immutable.Nil$;
import scala.collection.immutable.Seq;
import scala.collection.immutable.$colon$colon;

/** Scala's lists, of whose methods Java's compiler finds some ambiguous. */
final class ScalaLists {
  private ScalaLists() {}

  @SuppressWarnings("unchecked")
  static <T> Seq<T> of(T element) {
    return new $colon$colon<>(element, (scala.collection.immutable.List<T>) (Object) Nil$.MODULE$);
  }

  @SuppressWarnings("unchecked")
  static <T> Seq<T> empty() {
    return (Seq<T>) (Object) Nil$.MODULE$;
  }

  static <T> T first(Seq<T> list) {
    return list.iterator().next();
  }

  static <T> List<T> asJava(Seq<T> list) {
    return scala.jdk.javaapi.CollectionConverters.asJava(list);
  }

  @SuppressWarnings("unchecked")
  static <T> Seq<T> ofArray(T[] elements) {
    return (Seq<T>) (Object) scala.collection.immutable.ArraySeq.unsafeWrapArray(elements);
  }
}
