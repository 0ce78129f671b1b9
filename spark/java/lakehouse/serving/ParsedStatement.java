package lakehouse.serving;

import java.util.List;
import java.util.Locale;
import org.apache.spark.sql.catalyst.analysis.UnresolvedFunction;
import org.apache.spark.sql.catalyst.analysis.UnresolvedGenerator;
import org.apache.spark.sql.catalyst.analysis.UnresolvedNamespace;
import org.apache.spark.sql.catalyst.analysis.UnresolvedRelation;
import org.apache.spark.sql.catalyst.analysis.UnresolvedTableOrView;
import org.apache.spark.sql.catalyst.analysis.UnresolvedTableValuedFunction;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.plans.logical.Command;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.catalyst.plans.logical.ShowColumns;
import org.apache.spark.sql.catalyst.plans.logical.UnresolvedWith;
import org.apache.spark.sql.catalyst.trees.TreeNode;
import org.apache.spark.sql.execution.command.SetCommand;
import org.apache.spark.sql.execution.command.SetNamespaceCommand;
import scala.Product;
import scala.collection.Iterable;
import scala.collection.Iterator;
import scala.collection.Seq;
import scala.jdk.javaapi.CollectionConverters;

/** A reader's statement as parsed, before anything is looked up: each node, expression, name and function is listed. */
final class ParsedStatement {
  private static final String CATALOG = "spark_catalog";

  private final Role role;

  ParsedStatement(Role role) {
    this.role = role;
  }

  /** Raise RefusedStatement at the first part that no list names. */
  void check(LogicalPlan plan) {
    visit(plan);
  }

  /** Return the name of a node's class as the lists have it. */
  static String nameOf(Object node) {
    String name = node.getClass().getName();
    return name.substring(name.lastIndexOf('.') + 1).replaceAll("\\$$", "");
  }

  /** Visit everything that a node holds, not only its children: a named window's expressions are in a map of it. */
  private void visit(Object value) {
    if (value instanceof LogicalPlan plan) {
      checkNode(plan);
    } else if (value instanceof Expression expression) {
      checkExpression(expression);
    } else if (value instanceof TreeNode<?>) {
      throw RefusedStatement.unlisted(nameOf(value));
    }
    Iterator<?> parts = value instanceof Iterable<?> values ? values.iterator()
        : value instanceof Product product ? product.productIterator() : null;
    while (parts != null && parts.hasNext()) {
      visit(parts.next());
    }
  }

  private void checkNode(LogicalPlan plan) {
    String name = nameOf(plan);
    if (!(plan instanceof Command ? AllowedSql.COMMANDS : AllowedSql.PARSED_NODES).contains(name)) {
      throw RefusedStatement.unlisted(name);
    }
    if (plan instanceof UnresolvedRelation relation) {
      checkRelation(relation.multipartIdentifier());
      if (relation.isStreaming() || !relation.options().isEmpty()) {
        throw RefusedStatement.unlisted("A relation with options");
      }
    } else if (plan instanceof UnresolvedTableOrView relation) {
      checkRelation(relation.multipartIdentifier());
    } else if (plan instanceof UnresolvedNamespace namespace) {
      checkNamespace(namespace.multipartIdentifier());
    } else if (plan instanceof SetNamespaceCommand command) {
      checkNamespace(command.namespace());
    } else if (plan instanceof ShowColumns command && command.namespace().isDefined()) {
      checkNamespace(command.namespace().get());
    } else if (plan instanceof UnresolvedTableValuedFunction function) {
      checkFunction(function.name(), true);
      if (function.isStreaming()) {
        throw RefusedStatement.unlisted("A stream");
      }
    } else if (plan instanceof UnresolvedWith with && with.allowRecursion()) {
      throw RefusedStatement.unlisted("A recursive query");
    } else if (plan instanceof SetCommand command) {
      checkSetting(command);
    }
  }

  private void checkExpression(Expression expression) {
    String name = nameOf(expression);
    if (!AllowedSql.EXPRESSIONS.contains(name)) {
      throw RefusedStatement.unlisted(name);
    }
    if (expression instanceof UnresolvedFunction function) {
      checkFunction(function.nameParts(), false);
    } else if (expression instanceof UnresolvedGenerator generator) {
      if (generator.name().database().isDefined()) {
        throw RefusedStatement.unlisted("A function of a database");
      }
      checkFunction(generator.name().funcName());
    }
  }

  private static void checkFunction(Seq<String> parts, boolean isTable) {
    String name = parts.apply(parts.length() - 1);
    boolean isListed = (isTable ? AllowedFunctions.TABLE : AllowedFunctions.SCALAR).contains(lower(name));
    if (parts.length() != 1 || !isListed) {
      throw RefusedStatement.unlisted("The function " + quoted(name));
    }
  }

  private static void checkFunction(String name) {
    if (!AllowedFunctions.SCALAR.contains(lower(name))) {
      throw RefusedStatement.unlisted("The function " + quoted(name));
    }
  }

  /** Admit a name of one part, which is a view of the session's database or a query's own, or one in a database. */
  private void checkRelation(Seq<String> parts) {
    List<String> names = withoutCatalog(parts);
    boolean isAllowed = names.size() == 1 && parts.length() == 1
        || names.size() == 2 && role.sees(names.get(0)) && names.get(1).matches("[A-Za-z0-9_]+");
    if (!isAllowed) {
      throw RefusedStatement.unlisted("A relation that is no view of this role");
    }
  }

  private void checkNamespace(Seq<String> parts) {
    List<String> names = withoutCatalog(parts);
    if (names.size() > 1 || names.size() == 1 && !role.sees(names.get(0))) {
      throw RefusedStatement.unlisted("A database that is not this role's");
    }
  }

  private static void checkSetting(SetCommand command) {
    if (command.kv().isEmpty() || !AllowedSql.isSetting(command.kv().get()._1())) {
      throw new RefusedStatement("SET is refused here, but for " + String.join(", ", AllowedSql.SETTINGS) + ".");
    }
  }

  private static List<String> withoutCatalog(Seq<String> parts) {
    List<String> names = CollectionConverters.asJava(parts);
    return !names.isEmpty() && names.get(0).equalsIgnoreCase(CATALOG) ? names.subList(1, names.size()) : names;
  }

  private static String lower(String name) {
    return name.toLowerCase(Locale.ROOT);
  }

  /** A client's name in an error and so in a log: short, and on one line. */
  private static String quoted(String name) {
    return name.replaceAll("[^A-Za-z0-9_]", "?").substring(0, Math.min(name.length(), 40));
  }
}
